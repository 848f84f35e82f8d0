//! Every action that is spoken: what it needs, whether it writes, and what it does.

use std::future::Future;
use std::pin::Pin;

use super::error::EsaError;
use super::params::Params;
use super::wire::Fields;
use super::{
    access, app, assets, build, deployment, routine, service, site, staging, variable, version,
};
use crate::admin::Admin;
use crate::admin::signature::Effect;
use crate::model::AccessKeyId;

/// One call of one action.
pub(super) struct Call<'a> {
    pub(super) admin: &'a Admin,
    pub(super) params: &'a Params,
    /// The access key that called.
    pub(super) by: Option<&'a AccessKeyId>,
    /// `http` or `https`.
    pub(super) scheme: &'a str,
    /// The host that was called, as the client named it.
    pub(super) authority: &'a str,
}

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Fields, EsaError>> + Send + 'a>>;

/// What stands behind an action's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backing {
    /// What it says is so, and what it does has an effect.
    Real,
    /// It answers as ESA would for an account that has nothing of the kind, and has no
    /// effect.
    Plausible,
}

/// One entry of the dialect.
pub(super) struct Action {
    pub(super) name: &'static str,
    /// What a read-only key may not do is what writes.
    pub(super) effect: Effect,
    /// Presence is checked of all before the shape of any.
    pub(super) required: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "a test makes the README's table of it"))]
    pub(super) backing: Backing,
    pub(super) run: Run,
}

pub(super) type Run = for<'a> fn(&'a Call<'a>) -> Answer<'a>;

impl Action {
    pub(super) const fn reads(
        name: &'static str,
        required: &'static [&'static str],
        run: Run,
    ) -> Self {
        Self { name, effect: Effect::Reads, required, backing: Backing::Real, run }
    }

    pub(super) const fn writes(
        name: &'static str,
        required: &'static [&'static str],
        run: Run,
    ) -> Self {
        Self { name, effect: Effect::Writes, required, backing: Backing::Real, run }
    }

    /// The same, answered without anything behind it.
    pub(super) const fn plausible(self) -> Self {
        Self { backing: Backing::Plausible, ..self }
    }
}

/// Every family of actions, each in the order of their names.
pub(super) const FAMILIES: &[&[Action]] = &[
    ROUTINES,
    access::ACTIONS,
    app::ACTIONS,
    assets::ACTIONS,
    build::ACTIONS,
    service::ACTIONS,
    site::ACTIONS,
    variable::ACTIONS,
];

const ROUTINES: &[Action] = &[
    Action::writes("CommitRoutineStagingCode", &["Name"], |call| Box::pin(staging::commit(call))),
    Action::writes("CreateRoutine", &["Name"], |call| Box::pin(routine::create(call))),
    Action::writes(
        "CreateRoutineCodeDeployment",
        &["Name", "Env", "Strategy", "CodeVersions"],
        |call| Box::pin(deployment::create(call)),
    ),
    Action::writes("DeleteRoutine", &["Name"], |call| Box::pin(routine::delete(call))),
    Action::writes("DeleteRoutineCodeVersion", &["Name", "CodeVersion"], |call| {
        Box::pin(version::delete(call))
    }),
    Action::reads("GetRoutine", &["Name"], |call| Box::pin(routine::get(call))),
    Action::reads("GetRoutineCodeVersion", &["Name", "CodeVersion"], |call| {
        Box::pin(version::get_code(call))
    }),
    Action::reads("GetRoutineCodeVersionInfo", &["Name", "CodeVersion"], |call| {
        Box::pin(version::get(call))
    }),
    // Leave to upload is leave to write.
    Action::writes("GetRoutineStagingCodeUploadInfo", &["Name"], |call| {
        Box::pin(staging::upload_info(call))
    }),
    Action::reads("ListRoutineCodeVersions", &["Name"], |call| Box::pin(version::list(call))),
    Action::reads("ListUserRoutines", &[], |call| Box::pin(routine::list(call))),
    Action::writes("PublishRoutineCodeVersion", &["Name", "Env"], |call| {
        Box::pin(deployment::publish(call))
    }),
    Action::writes("UpdateRoutineConfigDescription", &["Name"], |call| {
        Box::pin(routine::describe(call))
    }),
];

pub(super) fn find(name: &str) -> Option<&'static Action> {
    FAMILIES.iter().find_map(|actions| {
        let at = actions.binary_search_by(|action| action.name.cmp(name)).ok()?;
        Some(&actions[at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static Action> {
        FAMILIES.iter().copied().flatten()
    }

    #[test]
    fn what_only_looks_is_called_get_list_or_describe() {
        for action in all() {
            let looks = ["Get", "List", "Describe"].iter().any(|it| action.name.starts_with(it));
            let leave_to_write = action.name == "GetRoutineStagingCodeUploadInfo";
            let reads = action.effect == Effect::Reads;
            assert_eq!(reads, looks && !leave_to_write, "{}", action.name);
        }
    }

    #[test]
    fn every_action_is_found() {
        for action in all() {
            assert_eq!(find(action.name).map(|found| found.name), Some(action.name));
        }
        assert!(find("createroutine").is_none());
        assert!(find("").is_none());
    }
}
