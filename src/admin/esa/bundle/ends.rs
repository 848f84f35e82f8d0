//! How many entries a zip announces, told before anything of it is opened.

/// Where end records are looked for, from the end of a zip, in bytes: the record with
/// its longest comment, and more behind it than the archive's reader tolerates.
const ENDS_MAX_BYTES: usize = (64 + 4) * 1024;

/// Whether an end record of `zip` announces more than `entries_max`: the archive's reader
/// makes room for as many as it announces, before the first is looked at.
///
/// The reader tries the records from the last to the first, so each counts, up to one
/// that it does not look behind.
pub(super) fn announces_more(zip: &[u8], entries_max: usize) -> bool {
    let first = zip.len().saturating_sub(ENDS_MAX_BYTES);
    for end in (first..zip.len()).rev().filter_map(|at| End::read(zip, at)) {
        if end.entries > entries_max as u64 {
            return true;
        }
        if end.settles {
            return false;
        }
    }
    false
}

/// What an end record says.
struct End {
    entries: u64,
    /// Whether the archive's reader takes this record or refuses the zip.
    settles: bool,
}

impl End {
    /// APPNOTE 6.3.10, section 4.3.16: the end record at `at`, which a comment follows.
    fn read(zip: &[u8], at: usize) -> Option<Self> {
        const LENGTH: usize = 22;
        let end: &[u8; LENGTH] = zip[at..].first_chunk()?;
        let comment_fits = || number(&end[20..22]) <= (zip.len() - at - LENGTH) as u64;
        if !end.starts_with(b"PK\x05\x06") || !comment_fits() {
            return None;
        }
        let (disks, here, all) = (number(&end[4..8]), number(&end[8..10]), number(&end[10..12]));
        let (size, offset) = (number(&end[12..16]), number(&end[16..20]));
        let wide = all == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF;
        if let Some(locator) = locator(&zip[..at])
            && wide
        {
            return Self::read_wide(zip, locator);
        }
        let directory = usize::try_from(offset).ok().and_then(|offset| zip.get(offset..at));
        let begins = directory.is_some_and(|headers| headers.starts_with(b"PK\x01\x02"));
        Some(Self {
            entries: here.max(all),
            settles: disks == 0 && here == all && all > 0 && begins && offset + size == at as u64,
        })
    }

    /// Section 4.3.14: the record with 64 bits to which `locator` points.
    fn read_wide(zip: &[u8], locator: &[u8]) -> Option<Self> {
        let at = usize::try_from(number(&locator[8..16])).ok()?;
        let end: &[u8; 56] = zip.get(at..)?.first_chunk()?;
        let entries = number(&end[24..32]).max(number(&end[32..40]));
        end.starts_with(b"PK\x06\x06").then_some(Self { entries, settles: false })
    }
}

/// Section 4.3.15: the locator that ends `head`, when there is one.
fn locator(head: &[u8]) -> Option<&[u8; 20]> {
    head.last_chunk().filter(|it| it.starts_with(b"PK\x06\x07"))
}

/// At most eight octets, the lowest first.
pub(super) fn number(octets: &[u8]) -> u64 {
    octets.iter().rev().fold(0, |number, octet| number << 8 | u64::from(*octet))
}
