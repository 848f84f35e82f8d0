//! What clients are told of a decision.

use std::sync::Arc;

use http::HeaderName;

use super::hearer::Hearer;
use crate::routing::{Answerer, Decision, Reason, SubjectName, Target};

const X_SERIN_APP: HeaderName = HeaderName::from_static("x-serin-app");
const X_SERIN_ASSIGNED: HeaderName = HeaderName::from_static("x-serin-assigned");
const X_SERIN_DEPLOYMENT: HeaderName = HeaderName::from_static("x-serin-deployment");
const X_SERIN_REASON: HeaderName = HeaderName::from_static("x-serin-reason");
const X_SERIN_ROUTINE: HeaderName = HeaderName::from_static("x-serin-routine");
const X_SERIN_VERSION: HeaderName = HeaderName::from_static("x-serin-version");

/// Who answered and why.
#[derive(Debug)]
pub(super) struct Disclosed {
    answerer: Answerer,
    assigned: Option<Arc<Target>>,
    reason: Reason,
}

impl Disclosed {
    pub(super) fn of(decision: &Decision) -> Self {
        let Decision { answerer, assigned, reason, .. } = decision;
        Self { answerer: answerer.clone(), assigned: assigned.clone(), reason: *reason }
    }

    pub(super) fn tell(&self, to: &mut impl Hearer) {
        match &self.answerer {
            Answerer::Version(target) => {
                let subject = match target.subject {
                    SubjectName::Routine(_) => X_SERIN_ROUTINE,
                    SubjectName::App(_) => X_SERIN_APP,
                };
                to.pass(&subject, &target.subject_value);
                to.pass(&X_SERIN_VERSION, &target.version_value);
                if let Some(deployment) = &target.deployment_value {
                    to.pass(&X_SERIN_DEPLOYMENT, deployment);
                }
                if let Some(assigned) = &self.assigned {
                    to.pass(&X_SERIN_ASSIGNED, &assigned.version_value);
                }
            }
            Answerer::Origin(origin) => {
                if let Some((_, routine)) = &origin.routine {
                    to.pass(&X_SERIN_ROUTINE, routine);
                }
            }
        }
        to.say(X_SERIN_REASON.as_str().as_bytes(), self.reason.as_str().as_bytes());
    }
}
