//! The parameters of a route.

use crate::admin::esa::error::EsaError;
use crate::admin::esa::params::Params;
use crate::control::WrittenRule;
use crate::model::{RULE_MAX_BYTES, RouteMode, RouteTimeout, Rule};

/// The pages' limit.
pub(super) const ROUTE_NAME_MAX_CHARS: usize = 128;

impl Params {
    pub(super) fn route_name(&self, name: &str) -> Result<Option<String>, EsaError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        if text.chars().count() > ROUTE_NAME_MAX_CHARS || text.chars().any(char::is_control) {
            return Err(EsaError::invalid(format!(
                "{name} must be 1 to {ROUTE_NAME_MAX_CHARS} characters without control characters"
            )));
        }
        Ok(Some(text))
    }

    /// `on` or `off`, in any case.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>, EsaError> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("on") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("off") => Ok(Some(false)),
            Some(text) => {
                Err(EsaError::invalid(format!("{name} must be `on` or `off`, not `{text}`")))
            }
        }
    }

    pub(super) fn sequence(&self) -> Result<Option<u32>, EsaError> {
        let number = self.integer("Sequence", 0..=i64::from(i32::MAX))?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// Whole seconds, with or without an `s`.
    pub(super) fn route_timeout(&self) -> Result<Option<RouteTimeout>, EsaError> {
        let Some(text) = self.text("Timeout")? else {
            return Ok(None);
        };
        let digits = text.strip_suffix('s').unwrap_or(&text);
        let is_whole = digits.bytes().all(|b| b.is_ascii_digit());
        let seconds = digits.parse().ok().filter(|_| is_whole);
        seconds.and_then(RouteTimeout::new).map(Some).ok_or_else(|| {
            EsaError::invalid(format!("Timeout must be 5 to 60 whole seconds, not `{text}`"))
        })
    }

    /// `Rule` and `Mode`. The mode is the rule's own, unless it is given.
    pub(super) fn rule(&self) -> Result<Option<WrittenRule>, EsaError> {
        let mode = self.text("Mode")?.map(|text| {
            let mode = RouteMode::new(&text.to_ascii_lowercase());
            mode.ok_or_else(|| {
                EsaError::invalid(format!("Mode must be `simple` or `custom`, not `{text}`"))
            })
        });
        let mode = mode.transpose()?;
        let Some(text) = self.text("Rule")? else {
            return match mode {
                None => Ok(None),
                Some(_) => Err(EsaError::invalid("Mode says how Rule is written: send both")),
            };
        };
        if text.len() > RULE_MAX_BYTES {
            return Err(EsaError::invalid(format!("Rule has more than {RULE_MAX_BYTES} bytes")));
        }
        let rule =
            Rule::parse(&text).map_err(|error| EsaError::invalid(format!("Rule, {error}")))?;
        let own = if rule.as_simple().is_some() { RouteMode::Simple } else { RouteMode::Custom };
        let mode = mode.unwrap_or(own);
        if mode == RouteMode::Simple && own == RouteMode::Custom {
            return Err(EsaError::invalid(
                "Mode is `simple`, but Rule is not of a host and a path alone: leave Mode out",
            ));
        }
        Ok(Some(WrittenRule { text, rule, mode }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(pairs).finish();
        Params::read(Some(&query), &http::HeaderMap::new(), b"").unwrap()
    }

    const SIMPLE: &str = r#"(http.host eq "example.com" and http.request.uri.path eq "/a")"#;
    const CUSTOM: &str = r#"http.host in {"a.example.com" "b.example.com"}"#;

    #[test]
    fn a_mode_is_the_rules_own_unless_it_is_given() {
        let mode = |pairs: &[(&str, &str)]| params(pairs).rule().map(|rule| rule.unwrap().mode);
        assert_eq!(mode(&[("Rule", SIMPLE)]), Ok(RouteMode::Simple));
        assert_eq!(mode(&[("Rule", CUSTOM)]), Ok(RouteMode::Custom));
        assert_eq!(mode(&[("Rule", SIMPLE), ("Mode", "custom")]), Ok(RouteMode::Custom));
        assert!(mode(&[("Rule", CUSTOM), ("Mode", "simple")]).is_err());
        assert!(mode(&[("Rule", SIMPLE), ("Mode", "else")]).is_err());
        assert!(params(&[]).rule().unwrap().is_none());
        assert!(mode(&[("Mode", "custom")]).is_err());
    }

    #[test]
    fn a_rule_that_does_not_parse_is_refused_with_its_place() {
        let refused = params(&[("Rule", "http.host eq")]).rule().unwrap_err();
        assert!(refused.reason.starts_with("Rule, column 13"), "{}", refused.reason);
    }

    #[test]
    fn settings_are_read_as_clients_write_them() {
        let params = params(&[
            ("RouteEnable", "ON"),
            ("Bypass", "off"),
            ("Fallback", "yes"),
            ("Sequence", "7"),
            ("Timeout", "30"),
        ]);
        assert_eq!(params.switch("RouteEnable").unwrap(), Some(true));
        assert_eq!(params.switch("Bypass").unwrap(), Some(false));
        assert!(params.switch("Fallback").is_err());
        assert_eq!(params.sequence().unwrap(), Some(7));
        assert_eq!(params.route_timeout().unwrap(), RouteTimeout::new(30));
        for timeout in ["4", "61", "5.5", "+5", "s", "5m"] {
            let pairs = [("Timeout", timeout)];
            assert!(super::tests::params(&pairs).route_timeout().is_err(), "{timeout}");
        }
    }
}
