//! The zip that carries a version: `routine/index.js`, `assets/...`, or both.
//!
//! It is read whole, every entry to its end and its checksum, so that what is called
//! available is. Of the assets only their number and their bytes are kept: a version
//! answers at its upstream, and no upstream would be asked for them.

mod ends;

use std::collections::HashSet;
use std::io::{self, Cursor, Read};

use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

use self::ends::announces_more;
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
    #[error("an end record of the zip announces more than {ENTRIES_MAX} entries")]
    TooMany,
    #[error("the zip holds two entries of one path")]
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
    if announces_more(zip, ENTRIES_MAX) {
        return Err(BundleError::TooMany);
    }
    // A zip begins where its file does. To find one behind other bytes, the reader keeps
    // the place of each signature in the file, which may be several times its size.
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut archive = ZipArchive::with_config(config, Cursor::new(zip))?;
    if archive.len() > ENTRIES_MAX {
        return Err(BundleError::TooMany);
    }
    if archive.has_duplicate_names() {
        return Err(BundleError::Twice);
    }
    let mut paths = HashSet::new();
    let mut bundle = Bundle { code: None, assets: Assets::default() };
    let mut left = inflated_max;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let path = inside(&name).ok_or(BundleError::Path(index))?;
        // Names that differ may be one path, and a folder may be called as a file is.
        if !paths.insert(path.strip_suffix('/').unwrap_or(&path).to_owned()) {
            return Err(BundleError::Twice);
        }
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::ends::number;
    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        zipped_by(CompressionMethod::Deflated, files)
    }

    fn zipped_by(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            let options = SimpleFileOptions::default().compression_method(method);
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
        let names = many();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        assert!(read(&zipped(&files[1..])).is_ok());
        assert!(matches!(read(&zipped(&files)).unwrap_err(), BundleError::TooMany));
    }

    /// `files` in a zip of 64 bits, as tools that stream write it.
    fn widened(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zipped(files);
        let at = zip.len() - 22;
        let mut end = zip.split_off(at);
        let wide_at = (at as u64).to_le_bytes();
        zip.extend(b"PK\x06\x06");
        zip.extend(44_u64.to_le_bytes());
        zip.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [files.len() as u64, files.len() as u64, number(&end[12..16])] {
            zip.extend(number.to_le_bytes());
        }
        zip.extend(number(&end[16..20]).to_le_bytes());
        zip.extend(b"PK\x06\x07\0\0\0\0");
        zip.extend(wide_at);
        zip.extend(1_u32.to_le_bytes());
        end[8..12].copy_from_slice(&[1, 0, 1, 0]);
        end[16..20].fill(0xFF);
        zip.extend(end);
        zip
    }

    fn many() -> Vec<String> {
        (0..=ENTRIES_MAX).map(|n| format!("assets/{n}")).collect()
    }

    #[test]
    fn a_record_of_64_bits_that_announces_too_many_is_found_before_any_comment() {
        let names = many();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        assert_eq!(read(&widened(&files[1..])).unwrap().assets.files, 10_000);
        for (comment, garbage) in [(0, 0), (0xFFFF, 0), (0xFFFF, 1), (0xFFFF, 5), (0xFFFF, 10)] {
            let mut zip = widened(&files);
            let comment_at = zip.len() - 2;
            zip[comment_at..].copy_from_slice(&u16::to_le_bytes(comment));
            zip.resize(zip.len() + usize::from(comment) + garbage, b'x');
            assert!(announces_more(&zip, ENTRIES_MAX), "{comment}, {garbage}");
            assert!(matches!(read(&zip).unwrap_err(), BundleError::TooMany));
        }
    }

    #[test]
    fn a_zip_may_have_64_bits_and_hold_zips() {
        let small: [(&str, &[u8]); 2] = [("assets/a", b"1"), ("assets/b", b"2")];
        let two = Assets { files: 2, bytes: 2 };
        assert_eq!(read(&widened(&small)).unwrap(), Bundle { code: None, assets: two });
        let names = many();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        for inner in [widened(&small), widened(&files), zipped(&files)] {
            let zip = zipped_by(CompressionMethod::Stored, &[("assets/inner.zip", &inner)]);
            let assets = Assets { files: 1, bytes: inner.len() as u64 };
            assert_eq!(read(&zip).unwrap(), Bundle { code: None, assets });
        }
    }

    #[test]
    fn an_end_record_hides_none_that_the_reader_turns_to() {
        let names = many();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        let mut zip = zipped(&files);
        let before = zip.len() as u64;
        zip.extend(zipped(&[("assets/a", b"")]));
        let end = zip.len() - 22;
        let offset = before + number(&zip[end + 16..end + 20]);
        zip[end + 16..end + 20].copy_from_slice(&offset.to_le_bytes()[..4]);
        assert!(!announces_more(&zip, ENTRIES_MAX));
        // Of another disk, of two counts, without entries, of a directory that is elsewhere
        // or of another size, or with a comment that is not there: it is passed over.
        for changes in [&[4][..], &[6], &[8], &[10], &[8, 10], &[12], &[16], &[20]] {
            let mut passed = zip.clone();
            for at in changes {
                passed[end + at] ^= 1;
            }
            assert!(announces_more(&passed, ENTRIES_MAX), "{changes:?}");
        }
    }

    #[test]
    fn bytes_before_a_zip_are_refused() {
        let zip = [b"x", &zipped(&[("assets/a", b"")])[..]].concat();
        assert!(refusal(&zip).contains("no zip"));
    }

    #[test]
    fn two_entries_of_one_path_are_refused() {
        for (one, other) in [
            ("routine/index.js", "routine\\index.js"),
            ("assets/a", "assets\\a"),
            ("assets/a/b\\c", "assets\\a/b/c"),
            ("assets/a", "assets\\a\\"),
        ] {
            for files in [[(one, &b""[..]), (other, b"")], [(other, b""), (one, b"")]] {
                let refused = read(&zipped(&files)).unwrap_err();
                assert!(matches!(refused, BundleError::Twice), "{files:?}: {refused}");
            }
        }
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
