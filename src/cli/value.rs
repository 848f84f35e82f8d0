//! Values that several verbs take.

use std::time::Duration;

use clap::ValueEnum;

use crate::document;

/// The longest time that an option takes: a month.
const DURATION_MAX: Duration = Duration::from_hours(31 * 24);

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Environment {
    Staging,
    Production,
}

impl Environment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// `VERSION@PERCENT`; a `%` behind the number is taken too.
pub(super) fn share(text: &str) -> Result<(String, u64), String> {
    let (version, percent) = text
        .rsplit_once('@')
        .ok_or("write VERSION@PERCENT, for instance 1723599747213377176@10")?;
    if version.is_empty() {
        return Err("the code version before the `@` is missing".to_owned());
    }
    Ok((version.to_owned(), percentage(percent)?))
}

/// `PERCENT`; a `%` behind the number is taken too.
pub(super) fn percentage(text: &str) -> Result<u64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => {
            Err(format!("`{text}` is no whole percentage from 1 to 100: write, for instance, 25%"))
        }
    }
}

/// A target in origin form, as it is asked for.
pub(super) fn path(text: &str) -> Result<String, String> {
    match text.parse::<http::uri::PathAndQuery>() {
        Ok(_) if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no path: write, for instance, /cart?item=1")),
    }
}

pub(super) fn method(text: &str) -> Result<String, String> {
    let method = text.parse::<http::Method>();
    method.map(|_| text.to_owned()).map_err(|_| format!("`{text}` is no method, as GET is"))
}

/// A header field, name and value apart by a colon.
pub(super) fn field(text: &str) -> Result<String, String> {
    let (name, value) = text.split_once(':').unwrap_or((text, "\n"));
    let is_field = name.parse::<http::HeaderName>().is_ok()
        && http::HeaderValue::from_str(value.trim_matches([' ', '\t'])).is_ok();
    if is_field {
        return Ok(text.to_owned());
    }
    Err(format!("`{}` is no header field: write NAME: VALUE", text.escape_default()))
}

pub(super) fn address(text: &str) -> Result<String, String> {
    let address = text.parse::<std::net::IpAddr>();
    address.map(|_| text.to_owned()).map_err(|_| format!("`{text}` is no IP address"))
}

/// As in a file, `250ms`, `2.5s`, `10m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    document::duration(text, DURATION_MAX)
}

/// One rate, or `FROM..TO`.
pub(super) fn rates(text: &str) -> Result<(f64, f64), String> {
    let rate = |text: &str| match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        _ => Err(format!("`{text}` is no rate: write, for instance, 2000 or 100..5000")),
    };
    match text.split_once("..") {
        Some((from, to)) => Ok((rate(from)?, rate(to)?)),
        None => rate(text).map(|rate| (rate, rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_version_and_a_percentage() {
        assert_eq!(share("17@10"), Ok(("17".to_owned(), 10)));
        assert_eq!(share("v-1@100%"), Ok(("v-1".to_owned(), 100)));
        for text in ["17", "@10", "17@", "17@0", "17@101", "17@1.5", "17@-1"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2.5s"), Ok(Duration::from_millis(2_500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for text in ["", "10", "s", "1.2.3s", "-1s", "1d", "99999999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_may_become_another() {
        assert_eq!(rates("2000"), Ok((2_000.0, 2_000.0)));
        assert_eq!(rates("100..5000.5"), Ok((100.0, 5_000.5)));
        for text in ["", "x", "..", "1..", "-1", "inf", "NaN"] {
            assert!(rates(text).is_err(), "{text}");
        }
    }
}
