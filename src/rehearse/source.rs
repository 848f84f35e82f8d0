//! Where users come from.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::crowd::{Crowd, KEY_MAX_BYTES};
use super::lines::{Line, Lines};
use super::log::Field;
use super::verb::RehearseError;
use crate::population::{Arrivals, Pace, Population, Rhythm};

/// More broken lines than that share make a file another one than was meant.
const BROKEN_MAX_PERCENT: u64 = 10;

/// What is to be known of users whose keys are not.
const HASHED: &str =
    " (hashes of keys: how many users move is to be expected, who they are is not known)";

/// So many broken lines are named.
const BROKEN_NAMED: usize = 5;

/// A read of a file.
const READ_BYTES: usize = 256 * 1024;

/// Requests of a population.
const REQUESTS_MAX: u64 = 10_000_000_000;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Users {
    Population(PopulationPlan),
    /// A key a line, with a tabulator and a number of requests behind it where that is not
    /// 1; `-` is stdin.
    Keys(PathBuf),
    /// A line a request, JSON or the combined format; `-` is stdin.
    Log {
        path: PathBuf,
        field: Option<String>,
    },
}

/// Users who are drawn.
#[derive(Debug, Clone, Copy)]
pub struct PopulationPlan {
    pub users: u64,
    pub seed: u64,
    /// Of Zipf's law: user number n asks in proportion to 1/n to this power.
    pub exponent: f64,
    /// To be expected in all.
    pub requests: u64,
    /// The time in which they are made, evenly.
    pub length: Duration,
}

/// What was read, beside the users themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// In words.
    pub from: String,
    /// 0 of a population.
    pub lines: u64,
    pub broken: u64,
    /// The numbers of the first broken lines.
    pub broken_lines: Vec<u64>,
}

/// Reads all of `users`.
pub(super) fn gather(users: &Users, session: Duration) -> Result<(Crowd, Gathered), RehearseError> {
    let mut crowd = Crowd::new(session);
    let gathered = match users {
        Users::Population(plan) => populate(plan, &mut crowd)?,
        Users::Keys(path) => {
            let read = |_: &[u8]| Ok(key_line as fn(&[u8], &mut Crowd) -> bool);
            let gathered = read_lines(path, read, &mut crowd)?;
            Gathered { from: format!("keys of {}", path.display()), ..gathered }
        }
        Users::Log { path, field } => {
            let mut read_field = String::new();
            let hashed = Cell::new(false);
            let read = |first: &[u8]| {
                let field = Field::of(field.as_deref(), first)
                    .map_err(|error| RehearseError::Usage(error.to_string()))?;
                read_field = field.to_string();
                let hashed = &hashed;
                Ok(move |line: &[u8], crowd: &mut Crowd| log_line(&field, line, crowd, hashed))
            };
            let gathered = read_lines(path, read, &mut crowd)?;
            if crowd.kept() == 0 && crowd.keyless() > 0 {
                return Err(RehearseError::NoKey { path: path.clone(), field: read_field });
            }
            let mut from = format!("{read_field} in {}", path.display());
            if hashed.get() {
                from.push_str(HASHED);
            }
            Gathered { from, ..gathered }
        }
    };
    if crowd.kept() == 0 {
        return Err(RehearseError::Nobody);
    }
    Ok((crowd, gathered))
}

fn populate(plan: &PopulationPlan, crowd: &mut Crowd) -> Result<Gathered, RehearseError> {
    let usage = |what: &str| RehearseError::Usage(what.to_owned());
    let PopulationPlan { users, seed, exponent, requests, length } = *plan;
    let population = Population::new(users, seed).and_then(|it| it.with_exponent(exponent));
    let population = population.map_err(|error| usage(&format!("a population {error}")))?;
    if !(1..=REQUESTS_MAX).contains(&requests) || length.is_zero() {
        return Err(usage(&format!("requests are 1 to {REQUESTS_MAX}, and take some time")));
    }
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
    let pace = Pace::Random { requests: requests as f64 };
    let mut keys = population.keys();
    for arrival in Arrivals::new(&population, &Rhythm::even(), length, pace) {
        let at_ms = i64::try_from(arrival.at_us / 1_000).ok();
        crowd.see(keys.of(arrival.user), 1, at_ms);
    }
    let from = format!("a population of {users}, Zipf {exponent}, seed {seed}");
    Ok(Gathered { from, ..Gathered::default() })
}

/// Takes up every line of the file at `path` as `reader`, who is shown the first line that
/// is not empty, says: it tells whether a line is whole.
fn read_lines<F>(
    path: &Path,
    reader: impl FnOnce(&[u8]) -> Result<F, RehearseError>,
    crowd: &mut Crowd,
) -> Result<Gathered, RehearseError>
where
    F: FnMut(&[u8], &mut Crowd) -> bool,
{
    let unreadable = |source| RehearseError::Unreadable { path: path.to_owned(), source };
    let mut lines = Lines::new(open(path).map_err(unreadable)?);
    let mut gathered = Gathered::default();
    let (mut reader, mut take_up) = (Some(reader), None);
    let mut number = 0;
    while let Some(line) = lines.next().map_err(unreadable)? {
        number += 1;
        let text = match line {
            Line::Whole(text) if text.trim_ascii().is_empty() => continue,
            Line::Whole(text) => Some(text),
            Line::TooLong => None,
        };
        gathered.lines += 1;
        let is_whole = match text {
            None => false,
            Some(text) => {
                if let Some(reader) = reader.take() {
                    take_up = Some(reader(text)?);
                }
                take_up.as_mut().is_some_and(|take_up| take_up(text, crowd))
            }
        };
        if !is_whole {
            gathered.broken += 1;
            if gathered.broken_lines.len() < BROKEN_NAMED {
                gathered.broken_lines.push(number);
            }
        }
    }
    if gathered.broken * 100 > gathered.lines * BROKEN_MAX_PERCENT {
        let path = path.to_owned();
        return Err(RehearseError::Broken { path, gathered });
    }
    Ok(gathered)
}

fn open(path: &Path) -> io::Result<impl BufRead> {
    let from: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    Ok(BufReader::with_capacity(READ_BYTES, from))
}

fn key_line(line: &[u8], crowd: &mut Crowd) -> bool {
    let (key, requests) = match memchr::memchr(b'\t', line) {
        None => (line, Some(1)),
        Some(at) => {
            let number = std::str::from_utf8(&line[at + 1..]).ok();
            (&line[..at], number.and_then(|number| number.trim().parse::<u64>().ok()))
        }
    };
    match requests {
        Some(requests) if (1..=KEY_MAX_BYTES).contains(&key.len()) => {
            crowd.see(key, requests, None);
            true
        }
        _ => false,
    }
}

/// Takes note, too, whether any line has a hash in the place of a key.
fn log_line(field: &Field, line: &[u8], crowd: &mut Crowd, hashed: &Cell<bool>) -> bool {
    let Some(request) = field.read(line) else { return false };
    hashed.set(hashed.get() || request.is_hashed);
    match request.key {
        None => crowd.see_keyless(request.at_ms),
        Some(key) if key.len() > KEY_MAX_BYTES => return false,
        Some(key) => crowd.see(&key, 1, request.at_ms),
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SESSION: Duration = Duration::from_mins(30);

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn keys(text: &str) -> Result<(Crowd, Gathered), RehearseError> {
        let file = file(text);
        gather(&Users::Keys(file.path().to_owned()), SESSION)
    }

    fn log(text: &str, field: Option<&str>) -> Result<(Crowd, Gathered), RehearseError> {
        let file = file(text);
        let field = field.map(str::to_owned);
        gather(&Users::Log { path: file.path().to_owned(), field }, SESSION)
    }

    fn asked(crowd: &Crowd) -> Vec<(String, u64)> {
        let mut asked: Vec<_> = crowd
            .visitors()
            .map(|(it, _)| (String::from_utf8_lossy(&it.key).into_owned(), it.requests))
            .collect();
        asked.sort();
        asked
    }

    #[test]
    fn a_key_asks_as_often_as_its_lines_say() {
        let (crowd, gathered) = keys("ann\nben\t7\r\n\nann\t2\nspace d\n").unwrap();
        let expected = [("ann", 3), ("ben", 7), ("space d", 1)];
        assert_eq!(asked(&crowd), expected.map(|(key, requests)| (key.to_owned(), requests)));
        assert_eq!((gathered.lines, gathered.broken), (4, 0));
    }

    #[test]
    fn broken_lines_are_named_and_too_many_are_another_file() {
        let good = "ann\n".repeat(100);
        let (_, gathered) = keys(&format!("\tx\nben\tmany\n{good}ben\t-1\n")).unwrap();
        assert_eq!((gathered.lines, gathered.broken), (103, 3));
        assert_eq!(gathered.broken_lines, [1, 2, 103]);
        let Err(error) = keys(&format!("{}{good}", "x\ty\n".repeat(12))) else {
            panic!("12 of 112 are too many")
        };
        let text = error.to_string();
        assert!(text.contains("12 of 112 lines") && text.contains("1, 2, 3, 4, 5"), "{text}");
    }

    #[test]
    fn a_log_tells_users_and_requests_without_one() {
        let json =
            "{\"key\":\"ann\",\"ts\":1}\n{\"key\":null,\"ts\":2}\n{\"key\":\"ann\",\"ts\":61}\n";
        let (crowd, _) = log(json, None).unwrap();
        assert_eq!((asked(&crowd), crowd.keyless()), (vec![("ann".to_owned(), 2)], 1));
        assert_eq!(crowd.span(), Some(Duration::from_mins(1)));
        assert!(matches!(log(json, Some("user")), Err(RehearseError::NoKey { .. })));
        let combined = "192.0.2.7 - ann [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.0\" 200 23\n";
        let (crowd, gathered) = log(combined, Some("user")).unwrap();
        assert_eq!(asked(&crowd), [("ann".to_owned(), 1)]);
        assert!(gathered.from.starts_with("user in "), "{}", gathered.from);
        assert!(matches!(log(combined, Some("who")), Err(RehearseError::Usage(_))));
    }

    #[test]
    fn nobody_is_an_error() {
        assert!(matches!(keys("\n\n"), Err(RehearseError::Nobody)));
        let nowhere = Users::Keys(PathBuf::from("/nowhere"));
        assert!(matches!(gather(&nowhere, SESSION), Err(RehearseError::Unreadable { .. })));
    }

    #[test]
    fn a_population_asks_as_it_is_told_to() {
        let plan = PopulationPlan {
            users: 1_000,
            seed: 1,
            exponent: 0.0,
            requests: 10_000,
            length: Duration::from_hours(1),
        };
        let (crowd, gathered) = gather(&Users::Population(plan), SESSION).unwrap();
        let requests: u64 = crowd.visitors().map(|(it, _)| it.requests).sum();
        // A deviation of 100; and who does not ask, is not there.
        assert!(requests.abs_diff(10_000) < 450 && crowd.kept() > 990, "{requests}");
        assert_eq!(gathered.lines, 0);
        for (users, requests) in [(0, 1), (1, 0), (1, REQUESTS_MAX + 1)] {
            let plan = Users::Population(PopulationPlan { users, requests, ..plan });
            assert!(matches!(gather(&plan, SESSION), Err(RehearseError::Usage(_))));
        }
    }
}
