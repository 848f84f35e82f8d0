//! Versions: uploaded, committed, added, bound, deleted.

use std::sync::Arc;

use super::mint::mint_version;
use super::upstream_note::{in_code, in_description};
use super::{Outcome, existing, put};
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::model::{
    Catalog, CodeVersion, Environment, Making, Routine, RoutineName, StagedCode, Timestamp,
    Upstream, Version,
};

/// The largest code of a version: ESA's limit of a script.
pub const CODE_MAX_BYTES: usize = 5_000_000;

pub(super) fn stage_code(
    catalog: &mut Catalog,
    name: RoutineName,
    description: String,
    code: Arc<[u8]>,
) -> Outcome {
    let mut routine = existing(catalog, &name)?;
    check_length(&code)?;
    let upstream = match in_description(&description)? {
        Some(upstream) => Some(upstream),
        None => in_code(&code)?,
    };
    let staged = StagedCode { description, upstream };
    routine.staged = Some(staged.clone());
    let routine = put(catalog, routine);
    let changes = vec![Change::CodeStaged(name, staged, code)];
    Ok((changes, Reply::Routine(routine)))
}

pub(super) fn check_length(code: &[u8]) -> Result<(), Refused> {
    if code.len() > CODE_MAX_BYTES {
        let length = code.len();
        return Err(Refused::Invalid(format!(
            "the code is {length} bytes, and at most {CODE_MAX_BYTES} are taken"
        )));
    }
    Ok(())
}

pub(super) fn commit_staged_code(
    catalog: &mut Catalog,
    name: &RoutineName,
    description: Option<String>,
    deploy_env: Option<Environment>,
    now: Timestamp,
) -> Outcome {
    let routine = existing(catalog, name)?;
    let Some(staged) = routine.staged.clone() else {
        return Err(Refused::NothingStaged(name.clone()));
    };
    let noted = description.as_deref().map(in_description).transpose()?;
    catalog.quotas.check_versions(routine.versions.len())?;
    let has_variables = routine.has_variables(deploy_env);
    let (code_version, created) = mint_version(catalog, &routine, now)?;
    let version = Version {
        description: description.unwrap_or(staged.description),
        upstream: noted.flatten().or(staged.upstream),
        making: Making { deploy_env, has_variables, ..Making::default() },
        ..Version::new(code_version, created)
    };
    let version = put_version(catalog, routine, version);
    let code_version = version.code_version.clone();
    let changes = vec![
        Change::Version(name.clone(), version.clone()),
        Change::CodeFrozen(name.clone(), code_version),
        Change::Minted(catalog.last_minted),
    ];
    Ok((changes, Reply::Version(version)))
}

pub(super) fn add_version(
    catalog: &mut Catalog,
    name: &RoutineName,
    code_version: Option<CodeVersion>,
    description: String,
    upstream: Option<Upstream>,
    now: Timestamp,
) -> Outcome {
    let routine = existing(catalog, name)?;
    if let Some(taken) = code_version.as_ref().filter(|it| routine.versions.contains_key(*it)) {
        return Err(Refused::VersionExists(name.clone(), taken.clone()));
    }
    catalog.quotas.check_versions(routine.versions.len())?;
    let mut changes = Vec::new();
    let (code_version, created) = if let Some(given) = code_version {
        let key = (name.clone(), given.clone());
        if catalog.deleted_versions.remove(&key).is_some() {
            changes.push(Change::VersionExhumed(key.0, key.1));
        }
        (given, now)
    } else {
        let minted = mint_version(catalog, &routine, now)?;
        changes.push(Change::Minted(catalog.last_minted));
        minted
    };
    let version = Version { description, upstream, ..Version::new(code_version, created) };
    let version = put_version(catalog, routine, version);
    changes.push(Change::Version(name.clone(), version.clone()));
    Ok((changes, Reply::Version(version)))
}

pub(super) fn bind_version(
    catalog: &mut Catalog,
    name: &RoutineName,
    code_version: CodeVersion,
    upstream: Option<Upstream>,
) -> Outcome {
    let routine = existing(catalog, name)?;
    let Some(version) = routine.versions.get(&code_version) else {
        return Err(Refused::NoVersion(name.clone(), code_version));
    };
    let version = Version { upstream, upstream_declared: false, ..Version::clone(version) };
    let version = put_version(catalog, routine, version);
    let changes = vec![Change::Version(name.clone(), version.clone())];
    Ok((changes, Reply::Version(version)))
}

pub(super) fn delete_version(
    catalog: &mut Catalog,
    name: RoutineName,
    code_version: CodeVersion,
) -> Outcome {
    let mut routine = existing(catalog, &name)?;
    if !routine.versions.contains_key(&code_version) {
        return Err(Refused::NoVersion(name, code_version));
    }
    let serving = routine.serving(&code_version).next();
    if let Some(environment) = serving {
        return Err(Refused::VersionDeployed(code_version, environment));
    }
    routine.versions.remove(&code_version);
    put(catalog, routine);
    let key = (name.clone(), code_version.clone());
    catalog.deleted_versions.insert(key);
    let changes = vec![
        Change::VersionGone(name.clone(), code_version.clone()),
        Change::VersionBuried(name, code_version),
    ];
    Ok((changes, Reply::Done))
}

pub(super) fn put_version(
    catalog: &mut Catalog,
    mut routine: Routine,
    version: Version,
) -> Arc<Version> {
    let version = Arc::new(version);
    let code_version = version.code_version.clone();
    routine.versions.insert(code_version, version.clone());
    put(catalog, routine);
    version
}
