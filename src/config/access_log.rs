//! `[access_log]`.

use std::num::NonZeroUsize;

use super::value::file_path;
use crate::document::{Table, Value};
use crate::model::{AccessLog, LogDestination, LogFormat, Sample};

/// A worker hands over this many lines at once, so fewer could never wait.
const LINES_WAITING_MIN: u64 = 64;

/// Each may take some kilobytes.
const LINES_WAITING_MAX: u64 = 1_000_000;

/// `None` where it is not written: then nothing is.
pub(super) fn access_log(root: &Table<'_>) -> Option<AccessLog> {
    let known = ["to", "format", "sample", "query", "lines_waiting"];
    let table = root.get("access_log")?.table(&known)?;
    let to = table.required("to").and_then(|value| value.parsed(destination));
    let default = AccessLog::new(to.unwrap_or(LogDestination::Stdout));
    let read_format = |value: Value<'_>| value.parsed(format);
    Some(AccessLog {
        format: table.get("format").and_then(read_format).unwrap_or(default.format),
        sample: table.get("sample").and_then(|it| sample(&it)).unwrap_or(default.sample),
        query: table.get("query").and_then(|value| value.switch()).unwrap_or(default.query),
        lines_waiting: table
            .get("lines_waiting")
            .and_then(|value| lines_waiting(&value))
            .unwrap_or(default.lines_waiting),
        to: default.to,
    })
}

fn destination(text: &str) -> Result<LogDestination, &'static str> {
    match text {
        "stdout" => Ok(LogDestination::Stdout),
        "" => Err("must be `stdout` or the path of a file, as in `access.log`"),
        path => file_path(path).map(LogDestination::File),
    }
}

fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "combined" => Ok(LogFormat::Combined),
        _ => Err(format!("`{text}` must be `json` or `combined`")),
    }
}

/// A percentage of requests.
pub(super) fn sample(value: &Value<'_>) -> Option<Sample> {
    let percent = value.number()?;
    let sample = Sample::percent(percent);
    if sample.is_none() {
        value.refuse(format!("must be 0 to 100, with four decimals at most, not {percent}"));
    }
    sample
}

fn lines_waiting(value: &Value<'_>) -> Option<NonZeroUsize> {
    let number = value.whole()?;
    let known = (LINES_WAITING_MIN..=LINES_WAITING_MAX).contains(&number);
    if !known {
        value.refuse(format!("must be {LINES_WAITING_MIN} to {LINES_WAITING_MAX}, not {number}"));
        return None;
    }
    usize::try_from(number).ok().and_then(NonZeroUsize::new)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};
    use super::*;

    fn read(text: &str) -> Option<AccessLog> {
        Config::parse(text).unwrap_or_else(|error| panic!("{error}")).access_log
    }

    #[test]
    fn nothing_is_written_down_unless_the_config_says_where() {
        assert_eq!(read(""), None);
        assert_eq!(mistakes_of("[access_log]"), ["line 1: access_log.to: is missing"]);
        assert_eq!(
            read("[access_log]\nto = \"stdout\""),
            Some(AccessLog::new(LogDestination::Stdout))
        );
    }

    #[test]
    fn what_is_written_is_what_is_meant() {
        let log = read(
            "[access_log]\nto = \"logs/access.log\"\nformat = \"combined\"\nsample = 2.5\n\
             query = true\nlines_waiting = 64",
        );
        let log = log.unwrap();
        assert_eq!(log.to, LogDestination::File("logs/access.log".into()));
        assert_eq!((log.format, log.query), (LogFormat::Combined, true));
        assert_eq!((log.sample, log.lines_waiting.get()), (Sample::percent(2.5).unwrap(), 64));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let mistakes = mistakes_of(
            "[access_log]\nto = \"\"\nformat = \"xml\"\nsample = 101\nlines_waiting = 63",
        );
        assert_eq!(
            mistakes,
            [
                "line 2: access_log.to: must be `stdout` or the path of a file, as in `access.log`",
                "line 3: access_log.format: `xml` must be `json` or `combined`",
                "line 4: access_log.sample: must be 0 to 100, with four decimals at most, not 101",
                "line 5: access_log.lines_waiting: must be 64 to 1000000, not 63",
            ]
        );
    }
}
