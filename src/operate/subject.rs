//! What a routine or an app serves, told alike.

use serde_json::Value;

use super::error::OperateError;
use super::told::read;
use crate::client::{App, Endpoint, Live, Publish, Routine, Subject};

pub(super) const ENVIRONMENTS: [&str; 2] = ["production", "staging"];

/// A routine or an app, and what it serves.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) subject: Subject,
    pub(super) name: String,
    /// In the order of [`ENVIRONMENTS`]; without those where nothing is deployed.
    pub(super) live: Vec<Release>,
    /// Where its versions answer, by version.
    upstreams: Vec<(String, Option<String>)>,
}

/// What an environment serves, or served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) environment: String,
    pub(super) id: String,
    pub(super) created: String,
    /// In the order in which they were listed.
    pub(super) shares: Vec<Share>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) version: String,
    /// Who gets it: a percentage, or the regions.
    pub(super) whom: Whom,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    Percent(u64),
    In(Vec<String>),
    Elsewhere,
}

impl Whom {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Percent(percent) => format!("{percent} %"),
            Self::In(regions) => format!("in {}", regions.join(", ")),
            Self::Elsewhere => "elsewhere".to_owned(),
        }
    }
}

impl Served {
    pub(super) fn read(
        admin: &Endpoint,
        subject: &Subject,
        value: &Value,
    ) -> Result<Self, OperateError> {
        match subject {
            Subject::Routine(_) => Ok(Self::of_routine(&read(admin, value)?)),
            Subject::App(_) => Ok(Self::of_app(&read(admin, value)?)),
        }
    }

    pub(super) fn of_routine(routine: &Routine) -> Self {
        let live = ENVIRONMENTS.iter().filter_map(|environment| routine.live(environment));
        let versions = routine.versions.iter();
        Self {
            subject: Subject::Routine(routine.name.clone()),
            name: routine.name.clone(),
            live: live.map(Release::of_live).collect(),
            upstreams: versions.map(|it| (it.code_version.clone(), it.upstream.clone())).collect(),
        }
    }

    pub(super) fn of_app(app: &App) -> Self {
        let live = ENVIRONMENTS.iter().filter_map(|environment| app.live(environment));
        let versions = app.versions.iter();
        Self {
            subject: Subject::App(app.app_id.clone()),
            name: app.name.clone(),
            live: live.map(Release::of_publish).collect(),
            upstreams: versions.map(|it| (it.version_id.clone(), it.upstream.clone())).collect(),
        }
    }

    /// The endpoints where its live versions answer; none of the built-in backend.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &str> {
        let is_live = |version: &str| {
            let mut shares = self.live.iter().flat_map(|release| &release.shares);
            shares.any(|share| share.version == version)
        };
        let upstreams = self.upstreams.iter().filter(move |(version, _)| is_live(version));
        upstreams.filter_map(|(_, it)| it.as_deref()).flat_map(str::split_ascii_whitespace)
    }
}

impl Release {
    pub(super) fn of_live(live: &Live) -> Self {
        let shares = live.code_versions.iter().map(|share| Share {
            version: share.code_version.clone(),
            whom: Whom::Percent(share.percentage.into()),
        });
        Self {
            environment: live.environment.clone(),
            id: live.deployment_id.clone(),
            created: live.created.clone(),
            shares: shares.collect(),
        }
    }

    pub(super) fn of_publish(publish: &Publish) -> Self {
        let share = |version: &String, whom| Share { version: version.clone(), whom };
        let regions = publish.regions.as_ref().filter(|_| !publish.full_release);
        let percent = publish.percentage.unwrap_or(100);
        let shares = match (&publish.rest, regions) {
            (Some(rest), Some(regions)) => vec![
                share(&publish.version_id, Whom::In(regions.clone())),
                share(rest, Whom::Elsewhere),
            ],
            (Some(rest), None) => vec![
                share(rest, Whom::Percent(100_u64.saturating_sub(percent))),
                share(&publish.version_id, Whom::Percent(percent)),
            ],
            // There is nobody who could keep the others.
            (None, _) => vec![share(&publish.version_id, Whom::Percent(100))],
        };
        Self {
            environment: publish.environment.clone(),
            id: publish.deployment_id.clone(),
            created: publish.created.clone(),
            shares,
        }
    }

    /// Whether two versions divide its users by percentages.
    pub(super) fn is_split(&self) -> bool {
        self.shares.len() > 1 && self.shares.iter().all(|it| matches!(it.whom, Whom::Percent(_)))
    }

    /// `V@90 W@10`, as `serin deploy` takes it.
    pub(super) fn words(&self) -> String {
        let shares = self.shares.iter().map(|share| match &share.whom {
            Whom::Percent(percent) => format!("{}@{percent}", share.version),
            whom => format!("{} {}", share.version, whom.words()),
        });
        shares.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn publish(percentage: Option<u64>, regions: Option<&[&str]>, rest: Option<&str>) -> Release {
        let publish = json!({
            "environment": "production", "deployment_id": "7", "created": "now",
            "version_id": "new", "percentage": percentage, "regions": regions,
            "full_release": false, "rest": rest,
        });
        Release::of_publish(&serde_json::from_value(publish).unwrap())
    }

    #[test]
    fn a_publish_of_an_app_reads_as_a_deployment_of_a_routine_does() {
        let canary = publish(Some(10), None, Some("old"));
        assert_eq!((canary.words().as_str(), canary.is_split()), ("old@90 new@10", true));
        let whole = publish(Some(100), None, None);
        assert_eq!((whole.words().as_str(), whole.is_split()), ("new@100", false));
        let first = publish(Some(10), None, None);
        assert_eq!(first.words(), "new@100", "there is nobody else who could answer");
        let regional = publish(None, Some(&["eu", "cn"]), Some("old"));
        assert_eq!(regional.words(), "new in eu, cn old elsewhere");
        assert!(!regional.is_split());
    }
}
