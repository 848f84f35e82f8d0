//! Every action that is spoken: what it needs, whether it writes, and what it does.

use std::future::Future;
use std::pin::Pin;

use super::error::EsaError;
use super::params::Params;
use super::wire::Fields;
use super::{app, deployment, routine, staging, version};
use crate::admin::Admin;
use crate::admin::signature::Effect;

/// One call of one action.
pub(super) struct Call<'a> {
    pub(super) admin: &'a Admin,
    pub(super) params: &'a Params,
    /// `http` or `https`.
    pub(super) scheme: &'a str,
    /// The host that was called, as the client named it.
    pub(super) authority: &'a str,
}

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Fields, EsaError>> + Send + 'a>>;

/// One entry of the dialect.
pub(super) struct Action {
    pub(super) name: &'static str,
    /// What a read-only key may not do is what writes.
    pub(super) effect: Effect,
    /// Presence is checked of all before the shape of any.
    pub(super) required: &'static [&'static str],
    pub(super) run: for<'a> fn(&'a Call<'a>) -> Answer<'a>,
}

/// By name, so that it can be searched.
const ACTIONS: &[Action] = &[
    Action {
        name: "CommitRoutineStagingCode",
        effect: Effect::Writes,
        required: &["Name"],
        run: |call| Box::pin(staging::commit(call)),
    },
    Action {
        name: "CreateRoutine",
        effect: Effect::Writes,
        required: &["Name"],
        run: |call| Box::pin(routine::create(call)),
    },
    Action {
        name: "CreateRoutineCodeDeployment",
        effect: Effect::Writes,
        required: &["Name", "Env", "Strategy", "CodeVersions"],
        run: |call| Box::pin(deployment::create(call)),
    },
    Action {
        name: "DeleteRoutine",
        effect: Effect::Writes,
        required: &["Name"],
        run: |call| Box::pin(routine::delete(call)),
    },
    Action {
        name: "DeleteRoutineCodeVersion",
        effect: Effect::Writes,
        required: &["Name", "CodeVersion"],
        run: |call| Box::pin(version::delete(call)),
    },
    Action {
        name: "GetRoutine",
        effect: Effect::Reads,
        required: &["Name"],
        run: |call| Box::pin(routine::get(call)),
    },
    Action {
        name: "GetRoutineCodeVersion",
        effect: Effect::Reads,
        required: &["Name", "CodeVersion"],
        run: |call| Box::pin(version::get_code(call)),
    },
    Action {
        name: "GetRoutineCodeVersionInfo",
        effect: Effect::Reads,
        required: &["Name", "CodeVersion"],
        run: |call| Box::pin(version::get(call)),
    },
    Action {
        name: "GetRoutineStagingCodeUploadInfo",
        // Leave to upload is leave to write.
        effect: Effect::Writes,
        required: &["Name"],
        run: |call| Box::pin(staging::upload_info(call)),
    },
    Action {
        name: "ListRoutineCodeVersions",
        effect: Effect::Reads,
        required: &["Name"],
        run: |call| Box::pin(version::list(call)),
    },
    Action {
        name: "ListUserRoutines",
        effect: Effect::Reads,
        required: &[],
        run: |call| Box::pin(routine::list(call)),
    },
    Action {
        name: "PublishRoutineCodeVersion",
        effect: Effect::Writes,
        required: &["Name", "Env"],
        run: |call| Box::pin(deployment::publish(call)),
    },
    Action {
        name: "UpdateRoutineConfigDescription",
        effect: Effect::Writes,
        required: &["Name"],
        run: |call| Box::pin(routine::describe(call)),
    },
];

pub(super) fn find(name: &str) -> Option<&'static Action> {
    [ACTIONS, app::ACTIONS].into_iter().find_map(|actions| {
        let at = actions.binary_search_by(|action| action.name.cmp(name)).ok()?;
        Some(&actions[at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_is_called_get_or_list() {
        for action in ACTIONS {
            let looks = action.name.starts_with("Get") || action.name.starts_with("List");
            let leave_to_write = action.name == "GetRoutineStagingCodeUploadInfo";
            let reads = action.effect == Effect::Reads;
            assert_eq!(reads, looks && !leave_to_write, "{}", action.name);
        }
    }

    #[test]
    fn every_action_is_found() {
        for action in ACTIONS {
            assert_eq!(find(action.name).map(|found| found.name), Some(action.name));
        }
        assert!(find("createroutine").is_none());
        assert!(find("").is_none());
    }
}
