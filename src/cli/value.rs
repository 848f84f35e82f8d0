//! Values that several verbs take.

use clap::ValueEnum;

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
    let digits = percent.strip_suffix('%').unwrap_or(percent);
    match digits.parse() {
        Ok(percent @ 1..=100) => Ok((version.to_owned(), percent)),
        _ => Err(format!("`{percent}` is no whole percentage from 1 to 100")),
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
}
