//! What is deployed now.

use super::verb::RehearseError;
use crate::model::{
    CodeVersion, Environment, Kind, Percent, Release, Routine, RoutineName, Shares, Split,
};

/// A routine as one of its environments serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    pub routine: RoutineName,
    pub environment: Environment,
    pub cohort: String,
    /// Those that there are, whether deployed or not.
    pub versions: Vec<CodeVersion>,
    /// What is live; `None` where nothing is.
    pub live: Option<Shares>,
    /// The deployments that there were, the newest first, with what is live, as far as that is
    /// known.
    pub history: Vec<Shares>,
    /// The newer version and its share of the last canary, where that is told.
    pub last: Option<(CodeVersion, Percent)>,
}

impl Current {
    /// As a catalog has it, which knows no history.
    pub fn of_routine(routine: &Routine, environment: &str) -> Result<Self, RehearseError> {
        let environment = named_environment(environment)?;
        Ok(Self {
            routine: routine.name.clone(),
            environment,
            cohort: routine.cohort.clone(),
            versions: routine.versions.keys().cloned().collect(),
            live: routine.deployment(environment).map(|live| live.shares.clone()),
            history: Vec::new(),
            last: None,
        })
    }

    /// As a running Serin tells it in texts: the versions that there are, those that are live
    /// with their percentages, and the deployments before, the newest first.
    pub fn told(
        routine: &str,
        environment: &str,
        cohort: &str,
        versions: impl IntoIterator<Item = String>,
        live: &[(String, u64)],
        before: &[Vec<(String, u64)>],
    ) -> Result<Self, RehearseError> {
        let foreign = |what: String| RehearseError::Foreign(what);
        let name = RoutineName::new(routine).map_err(|error| foreign(error.to_string()))?;
        let environment = named_environment(environment)?;
        let versions = versions
            .into_iter()
            .map(|version| CodeVersion::new(&version).map_err(|error| foreign(error.to_string())));
        let mut current = Self {
            routine: name,
            environment,
            cohort: cohort.to_owned(),
            versions: versions.collect::<Result<_, _>>()?,
            live: None,
            history: Vec::new(),
            last: None,
        };
        if !live.is_empty() {
            current.live = Some(shares(live).map_err(foreign)?);
        }
        let before = before.iter().map(|listed| shares(listed).map_err(foreign));
        current.history = before.collect::<Result<_, _>>()?;
        Ok(current)
    }

    /// A last canary, as it is spelled on a command line.
    pub(super) fn last_of(
        version: &str,
        percent: u64,
    ) -> Result<(CodeVersion, Percent), RehearseError> {
        let usage = |what: String| RehearseError::Usage(what);
        let version = CodeVersion::new(version).map_err(|error| usage(error.to_string()))?;
        let percent = Percent::new(percent)
            .ok_or_else(|| usage(format!("a percentage is 1 to 100, not {percent}")))?;
        Ok((version, percent))
    }

    /// How its users would be divided.
    pub fn split(&self, shares: &Shares) -> Split {
        Split::new(&self.release(), shares)
    }

    pub(super) fn release(&self) -> Release<'_> {
        Release { kind: Kind::Routine, name: self.routine.as_str(), cohort: &self.cohort }
    }
}

fn named_environment(text: &str) -> Result<Environment, RehearseError> {
    let unknown = || RehearseError::Usage(format!("`{text}` is no environment"));
    Environment::new(text).ok_or_else(unknown)
}

/// One or two versions with their percentages.
pub(super) fn shares(listed: &[(String, u64)]) -> Result<Shares, String> {
    let share = |(version, percent): &(String, u64)| {
        let version = CodeVersion::new(version).map_err(|error| error.to_string())?;
        let percent = Percent::new(*percent).ok_or("a percentage is 1 to 100")?;
        Ok::<_, String>((version, percent))
    };
    let listed = listed.iter().map(share).collect::<Result<_, _>>()?;
    Shares::new(listed).map_err(|error| format!("a deployment {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(live: &[(&str, u64)], before: &[&[(&str, u64)]]) -> Result<Current, RehearseError> {
        let owned = |listed: &[(&str, u64)]| {
            listed
                .iter()
                .map(|&(version, percent)| (version.to_owned(), percent))
                .collect::<Vec<_>>()
        };
        let before: Vec<_> = before.iter().map(|listed| owned(listed)).collect();
        let versions = ["1", "2", "3"].map(str::to_owned);
        Current::told("shop", "production", "", versions, &owned(live), &before)
    }

    #[test]
    fn what_no_serin_says_is_told() {
        for live in [&[("1", 90)][..], &[("1", 0)], &[("", 100)], &[("1", 50), ("1", 50)]] {
            let error = told(live, &[]).unwrap_err();
            assert!(matches!(error, RehearseError::Foreign(_)), "{error}");
        }
    }
}
