//! What is planned: one deployment after the other.

use super::current::{Current, shares};
use super::verb::RehearseError;
use crate::model::{CodeVersion, Percent, Shares};

/// Deployments of a plan.
const STEPS_MAX: usize = 100;

/// What is to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Versions with their percentages.
    Shares(Vec<(String, u64)>),
    /// Percentages of one version, in order; what it leaves is the other one's.
    Ramp {
        percents: Vec<u64>,
        /// The version; else that which is newer of the two that are live.
        to: Option<String>,
        /// The other version; else that which is live beside it.
        from: Option<String>,
    },
}

/// The deployments of `planned`, each of which `current` can make.
pub(super) fn steps(planned: &Planned, current: &Current) -> Result<Vec<Shares>, RehearseError> {
    let usage = |what: String| RehearseError::Usage(what);
    let steps = match planned {
        Planned::Shares(listed) => vec![shares(listed).map_err(usage)?],
        Planned::Ramp { percents, to, from } => {
            if !(1..=STEPS_MAX).contains(&percents.len()) {
                return Err(usage(format!("a plan has 1 to {STEPS_MAX} steps")));
            }
            let (from, to) = ends(current, from.as_deref(), to.as_deref())?;
            let step = |percent: &u64| {
                let percent = Percent::new(*percent)
                    .ok_or_else(|| usage(format!("a step is 1 to 100 percent, not {percent}")))?;
                let all = match (percent.rest(), &from) {
                    (None, _) => vec![(to.clone(), percent)],
                    (Some(rest), Some(from)) => vec![(from.clone(), rest), (to.clone(), percent)],
                    (Some(_), None) => {
                        return Err(usage("name the other version with --from".to_owned()));
                    }
                };
                Shares::new(all).map_err(|error| usage(format!("a deployment {error}")))
            };
            percents.iter().map(step).collect::<Result<_, _>>()?
        }
    };
    for (version, _) in steps.iter().flat_map(Shares::iter) {
        if !current.versions.contains(version) {
            return Err(RehearseError::NoVersion(current.routine.clone(), version.clone()));
        }
    }
    Ok(steps)
}

/// Whence and whither a plan goes.
fn ends(
    current: &Current,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Option<CodeVersion>, CodeVersion), RehearseError> {
    let named = |text: &str| {
        CodeVersion::new(text).map_err(|error| RehearseError::Usage(error.to_string()))
    };
    let live: Vec<_> = current.live.iter().flat_map(Shares::iter).map(|(it, _)| it).collect();
    let to = match (to, live.as_slice()) {
        (Some(to), _) => named(to)?,
        (None, [first, second]) if first.is_newer_than(second) => (*first).clone(),
        (None, [_, second]) => (*second).clone(),
        (None, _) => {
            return Err(RehearseError::Usage("name the planned version with --to".to_owned()));
        }
    };
    let mut others = live.into_iter().filter(|it| **it != to);
    let from = match (from, others.next(), others.next()) {
        (Some(from), ..) => Some(named(from)?),
        (None, Some(other), None) => Some(other.clone()),
        (None, ..) => None,
    };
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(live: &[(&str, u64)]) -> Current {
        let owned = live.iter().map(|&(version, percent)| (version.to_owned(), percent));
        let owned: Vec<_> = owned.collect();
        let versions = ["1", "2", "3"].map(str::to_owned);
        Current::told("shop", "production", "", versions, &owned, &[]).unwrap()
    }

    fn ramp(percents: &[u64], to: Option<&str>, from: Option<&str>) -> Planned {
        let [to, from] = [to, from].map(|version| version.map(str::to_owned));
        Planned::Ramp { percents: percents.to_vec(), to, from }
    }

    /// Each step as a command line spells it.
    fn told(planned: &Planned, live: &[(&str, u64)]) -> Result<Vec<String>, String> {
        let steps = steps(planned, &current(live)).map_err(|error| error.to_string())?;
        let share =
            |(version, percent): (&CodeVersion, Percent)| format!("{version}@{}", percent.get());
        Ok(steps.iter().map(|it| it.iter().map(share).collect::<Vec<_>>().join(" ")).collect())
    }

    #[test]
    fn a_plan_grows_one_version_and_shrinks_the_other() {
        let (whole, canary): (&[_], &[_]) = (&[("1", 100)], &[("2", 10), ("1", 90)]);
        let ten_to_all = ["1@90 2@10", "2@100"].map(str::to_owned).to_vec();
        assert_eq!(told(&ramp(&[10, 100], Some("2"), None), whole), Ok(ten_to_all.clone()));
        assert_eq!(told(&ramp(&[10, 100], None, None), canary), Ok(ten_to_all));
        let back = told(&ramp(&[95], Some("1"), None), canary);
        assert_eq!(back, Ok(vec!["2@5 1@95".to_owned()]));
        let third = told(&ramp(&[5], Some("3"), Some("1")), canary);
        assert_eq!(third, Ok(vec!["1@95 3@5".to_owned()]));
        // Everybody needs no other version.
        assert_eq!(told(&ramp(&[100], Some("3"), None), &[]), Ok(vec!["3@100".to_owned()]));
    }

    #[test]
    fn a_plan_that_cannot_be_says_why() {
        let canary: &[_] = &[("2", 10), ("1", 90)];
        let listed = |shares: &[(&str, u64)]| {
            Planned::Shares(shares.iter().map(|&(it, percent)| (it.to_owned(), percent)).collect())
        };
        for (planned, live, why) in [
            (ramp(&[5], Some("3"), None), canary, "--from"),
            (ramp(&[5], Some("3"), None), &[], "--from"),
            (ramp(&[5], None, None), &[("1", 100)], "--to"),
            (ramp(&[], None, None), canary, "1 to 100 steps"),
            (ramp(&[0], None, None), canary, "1 to 100 percent, not 0"),
            (ramp(&[5], Some("2"), Some("2")), canary, "twice"),
            (ramp(&[5], Some("4"), Some("1")), canary, "no code version `4`"),
            (ramp(&[5], Some("a b"), Some("1")), canary, "code version"),
            (listed(&[("1", 90)]), canary, "sum to 100"),
        ] {
            let error = told(&planned, live).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
