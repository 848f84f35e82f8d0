//! The zip that carries a version: `routine/index.js`, `assets/...`, or both.
//!
//! It is read whole, every entry to its end and its checksum, so that what is called
//! available is. Of the assets only their number and their bytes are kept: a version
//! answers at its upstream, and no upstream would be asked for them.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::control::CODE_MAX_BYTES;
use crate::model::Assets;

/// The zip as it is uploaded, in bytes.
pub(super) const ZIP_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Files and folders in one zip.
pub(super) const ENTRIES_MAX: usize = 10_000;
/// What comes out of a zip in all, in bytes.
const INFLATED_MAX_BYTES: u64 = 256 * 1024 * 1024;
/// One asset, in bytes: ESA's limit.
const ASSET_MAX_BYTES: u64 = 25_000_000;
/// A path in a zip, in bytes.
const PATH_MAX_BYTES: usize = 1_024;

const SCRIPT: &str = "routine/index.js";
const ASSETS: &str = "assets/";

/// What a zip holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) code: Option<Vec<u8>>,
    pub(super) assets: Assets,
}

/// Why a zip is none of ours.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    #[error("the file is no zip that can be read: {0}")]
    Zip(#[from] ZipError),
    #[error("`{path}` cannot be read: {source}")]
    Entry { path: String, source: io::Error },
    #[error("the zip has more than {ENTRIES_MAX} entries, or is one of 64 bits")]
    TooMany,
    #[error("the zip holds two entries of one name")]
    Twice,
    #[error("entry {0} has no path of at most {PATH_MAX_BYTES} bytes that stays inside the zip")]
    Path(usize),
    #[error("`{SCRIPT}` is larger than {CODE_MAX_BYTES} bytes")]
    Script,
    #[error("`{0}` is larger than {ASSET_MAX_BYTES} bytes")]
    Asset(String),
    #[error("more than {INFLATED_MAX_BYTES} bytes come out of the zip")]
    Inflated,
    #[error("the zip has neither `{SCRIPT}` nor a file in `{ASSETS}`")]
    Empty,
}

/// Reads `zip` to its end. What its headers say of sizes is not believed.
pub(super) fn read(zip: &[u8]) -> Result<Bundle, BundleError> {
    read_within(zip, INFLATED_MAX_BYTES)
}

fn read_within(zip: &[u8], inflated_max: u64) -> Result<Bundle, BundleError> {
    if claims_too_many(zip) {
        return Err(BundleError::TooMany);
    }
    let mut archive = ZipArchive::new(Cursor::new(zip))?;
    if archive.has_duplicate_names() {
        return Err(BundleError::Twice);
    }
    let mut bundle = Bundle { code: None, assets: Assets::default() };
    let mut left = inflated_max;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let path = inside(&name).ok_or(BundleError::Path(index))?;
        if entry.is_dir() {
            continue;
        }
        let broken = |source| BundleError::Entry { path: path.clone(), source };
        if path == SCRIPT {
            let code = read_script(&mut entry).map_err(broken)?.ok_or(BundleError::Script)?;
            // Of a `usize` below 5 MB.
            left = left.checked_sub(code.len() as u64).ok_or(BundleError::Inflated)?;
            bundle.code = Some(code);
            continue;
        }
        let is_asset = path.starts_with(ASSETS);
        let most = if is_asset { left.min(ASSET_MAX_BYTES) } else { left };
        // One more than allowed tells a full entry from one that goes on.
        let length = io::copy(&mut entry.take(most + 1), &mut io::sink()).map_err(broken)?;
        if length > ASSET_MAX_BYTES && is_asset {
            return Err(BundleError::Asset(path));
        }
        left = left.checked_sub(length).ok_or(BundleError::Inflated)?;
        if is_asset {
            bundle.assets.files += 1;
            bundle.assets.bytes += length;
        }
    }
    if bundle.code.is_none() && bundle.assets.files == 0 {
        return Err(BundleError::Empty);
    }
    Ok(bundle)
}

/// `None` is too large.
fn read_script(entry: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut code = Vec::new();
    entry.take(CODE_MAX_BYTES as u64 + 1).read_to_end(&mut code)?;
    Ok((code.len() <= CODE_MAX_BYTES).then_some(code))
}

/// A path with slashes, as tools on any system may write it. Nothing is ever written
/// under it; a path that leaves its folder is refused because nobody honest has one.
fn inside(name: &str) -> Option<String> {
    let path = name.replace('\\', "/");
    let whole = path.strip_suffix('/').unwrap_or(&path);
    let honest =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control());
    let drive = whole.as_bytes().get(1) == Some(&b':');
    (path.len() <= PATH_MAX_BYTES && !drive && whole.split('/').all(honest)).then_some(path)
}

/// Whether the end of `zip` announces more entries than are taken: room is made for
/// as many as it announces, before the first is looked at.
///
/// APPNOTE 6.3.10, sections 4.3.15 and 4.3.16: the end record, which a comment of up
/// to 64 KiB may follow, and before it the locator of a record with 64 bits. The
/// archive's reader may take any of several such records, so each counts.
fn claims_too_many(zip: &[u8]) -> bool {
    const LOCATOR: &[u8] = b"PK\x06\x07";
    const END: &[u8] = b"PK\x05\x06";
    const ENDS_MAX_BYTES: usize = 20 + 22 + 65_535;
    let tail = &zip[zip.len().saturating_sub(ENDS_MAX_BYTES)..];
    tail.windows(4).enumerate().any(|(at, signature)| {
        if signature == LOCATOR {
            return true;
        }
        let count = tail.get(at + 10..at + 12).map(|it| u16::from_le_bytes([it[0], it[1]]));
        signature == END && count.is_some_and(|count| usize::from(count) > ENTRIES_MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            let options =
                SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn refusal(zip: &[u8]) -> String {
        read(zip).unwrap_err().to_string()
    }

    #[test]
    fn code_and_assets_are_told_apart() {
        let both = zipped(&[
            ("routine/index.js", b"export {}"),
            ("assets/a.css", b"12345"),
            ("assets\\img\\b.png", b"678"),
            ("readme.md", b"ignored"),
        ]);
        let assets = Assets { files: 2, bytes: 8 };
        assert_eq!(read(&both).unwrap(), Bundle { code: Some(b"export {}".to_vec()), assets });
        let code = read(&zipped(&[("routine/index.js", b"")])).unwrap();
        assert_eq!(code, Bundle { code: Some(Vec::new()), assets: Assets::default() });
        let alone = read(&zipped(&[("assets/a", b"")])).unwrap();
        assert_eq!(alone, Bundle { code: None, assets: Assets { files: 1, bytes: 0 } });
    }

    #[test]
    fn what_holds_neither_is_refused() {
        assert!(refusal(&zipped(&[])).contains("neither"));
        assert!(
            refusal(&zipped(&[("index.js", b"x"), ("routine/other.js", b"x")])).contains("neither")
        );
    }

    #[test]
    fn a_path_that_leaves_its_folder_is_refused() {
        for path in [
            "../assets/a",
            "assets/../../a",
            "assets/..",
            "/assets/a",
            "C:/assets/a",
            "assets\\..\\..\\a",
            "assets//a",
            "./assets/a",
            "assets/a\0",
            "",
        ] {
            let why = refusal(&zipped(&[(path, b"x")]));
            assert!(why.contains("stays inside"), "{path}: {why}");
        }
        let long = format!("assets/{}", "a".repeat(PATH_MAX_BYTES));
        assert!(refusal(&zipped(&[(&long, b"x")])).contains("at most 1024 bytes"));
    }

    #[test]
    fn a_script_and_an_asset_may_fill_their_limits_and_no_more() {
        let script = vec![b' '; CODE_MAX_BYTES + 1];
        assert!(read(&zipped(&[(SCRIPT, &script[1..])])).is_ok());
        assert!(refusal(&zipped(&[(SCRIPT, &script)])).contains("larger than 5000000"));
        let asset = vec![b' '; 25_000_001];
        assert!(read(&zipped(&[("assets/a", &asset[1..])])).is_ok());
        assert!(refusal(&zipped(&[("assets/a", &asset)])).contains("larger than 25000000"));
    }

    #[test]
    fn what_comes_out_is_counted_over_all_entries() {
        let zip = zipped(&[(SCRIPT, &[0; 10]), ("assets/a", &[0; 60]), ("b", &[0; 30])]);
        assert!(read_within(&zip, 100).is_ok());
        for inflated_max in [99, 71, 70, 69, 10, 9, 0] {
            let refused = read_within(&zip, inflated_max).unwrap_err();
            assert!(matches!(refused, BundleError::Inflated), "{inflated_max}: {refused}");
        }
    }

    #[test]
    fn a_zip_with_too_many_entries_is_not_opened() {
        let names: Vec<String> = (0..=ENTRIES_MAX).map(|n| format!("assets/{n}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        assert!(read(&zipped(&files[1..])).is_ok());
        assert!(matches!(read(&zipped(&files)).unwrap_err(), BundleError::TooMany));
        let mut wide = zipped(&files[..1]);
        let end = wide.len() - 22;
        wide.splice(end..end, *b"PK\x06\x07................");
        assert!(matches!(read(&wide).unwrap_err(), BundleError::TooMany));
    }

    #[test]
    fn two_entries_of_one_name_are_refused() {
        let mut zip = zipped(&[("assets/a", b"x"), ("assets/b", b"y")]);
        for at in 0..zip.len() - 8 {
            if &zip[at..at + 8] == b"assets/b" {
                zip[at + 7] = b'a';
            }
        }
        assert!(matches!(read(&zip).unwrap_err(), BundleError::Twice));
    }

    #[test]
    fn no_damage_is_taken_for_a_zip() {
        assert!(refusal(b"").contains("no zip"));
        assert!(refusal(b"not a zip").contains("no zip"));
        let content: Vec<u8> = (0..200_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let whole = zipped(&[(SCRIPT, &content), ("assets/a", &content)]);
        let good = read(&whole).unwrap();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut at {length}");
        }
        // Whatever is flipped, it is refused or harmless.
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x55;
            if let Ok(bundle) = read(&flipped) {
                assert!(bundle.code.is_none_or(|code| Some(code) == good.code), "flipped at {at}");
            }
        }
    }
}
