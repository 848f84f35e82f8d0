//! Versions whose code and assets come in an upload of their own: begun, completed,
//! failed.

use std::sync::Arc;

use super::mint::mint_version;
use super::upstream_note::{in_code, in_description};
use super::version::{check_length, put_version};
use super::{Outcome, existing};
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::control::upload_command::UploadCommand;
use crate::model::{
    Assets, Catalog, CodeVersion, Making, Routine, RoutineName, Timestamp, Version, VersionStatus,
};

pub(super) fn apply(catalog: &mut Catalog, command: UploadCommand, now: Timestamp) -> Outcome {
    match command {
        UploadCommand::Begin { name, description, making } => {
            begin(catalog, &name, description, making, now)
        }
        UploadCommand::Complete { name, code_version, code, assets } => {
            complete(catalog, &name, code_version, code, assets)
        }
        UploadCommand::Fail { name, code_version } => fail(catalog, &name, &code_version),
    }
}

fn begin(
    catalog: &mut Catalog,
    name: &RoutineName,
    description: String,
    making: Making,
    now: Timestamp,
) -> Outcome {
    let routine = existing(catalog, name)?;
    let upstream = in_description(&description)?;
    catalog.quotas.check_versions(routine.versions.len())?;
    let has_variables = routine.has_variables(making.deploy_env);
    let (code_version, created) = mint_version(catalog, &routine, now)?;
    let version = Version {
        description,
        upstream,
        status: VersionStatus::Init,
        making: Making { has_variables, ..making },
        ..Version::new(code_version, created)
    };
    let version = put_version(catalog, routine, version);
    let changes =
        vec![Change::Version(name.clone(), version.clone()), Change::Minted(catalog.last_minted)];
    Ok((changes, Reply::Version(version)))
}

/// Where the version answers is said by its description, by whoever bound it
/// meanwhile, or else by the code's first line.
fn complete(
    catalog: &mut Catalog,
    name: &RoutineName,
    code_version: CodeVersion,
    code: Option<Arc<[u8]>>,
    assets: Assets,
) -> Outcome {
    let (routine, waiting) = waiting(catalog, name, &code_version)?;
    let code_upstream = match code.as_deref() {
        Some(code) => {
            check_length(code)?;
            in_code(code)?
        }
        None => None,
    };
    let version = Version {
        upstream: waiting.upstream.or(code_upstream),
        status: VersionStatus::Available,
        making: Making { assets, ..waiting.making },
        ..waiting
    };
    let version = put_version(catalog, routine, version);
    let mut changes = vec![Change::Version(name.clone(), version.clone())];
    changes.extend(code.map(|code| Change::Code(name.clone(), code_version, code)));
    Ok((changes, Reply::Version(version)))
}

fn fail(catalog: &mut Catalog, name: &RoutineName, code_version: &CodeVersion) -> Outcome {
    let (routine, waiting) = waiting(catalog, name, code_version)?;
    let version = Version { status: VersionStatus::Failed, ..waiting };
    let version = put_version(catalog, routine, version);
    Ok((vec![Change::Version(name.clone(), version.clone())], Reply::Version(version)))
}

/// A version that has not got its upload, and the routine it is of.
fn waiting(
    catalog: &Catalog,
    name: &RoutineName,
    code_version: &CodeVersion,
) -> Result<(Routine, Version), Refused> {
    let routine = existing(catalog, name)?;
    let Some(version) = routine.versions.get(code_version) else {
        return Err(Refused::NoVersion(name.clone(), code_version.clone()));
    };
    let version = Version::clone(version);
    match version.status {
        VersionStatus::Available => Err(Refused::AlreadyUploaded(code_version.clone())),
        VersionStatus::Init | VersionStatus::Failed => Ok((routine, version)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;
    use crate::control::Command;
    use crate::model::{Environment, Shares};

    fn shop() -> RoutineName {
        RoutineName::new("shop").unwrap()
    }

    fn tell(catalog: &mut Catalog, command: UploadCommand) -> Result<Arc<Version>, Refused> {
        let applied = apply(catalog, Command::Upload(command), None, Timestamp(5))?;
        match applied.reply {
            Reply::Version(version) => Ok(version),
            other => panic!("{other:?}"),
        }
    }

    /// A catalog with `shop`, and a version of it that waits.
    fn begun(description: &str) -> (Catalog, CodeVersion) {
        let mut catalog = Catalog::default();
        let routine = Arc::new(Routine::new(shop(), Timestamp(0)));
        catalog.routines.insert(shop(), routine);
        let begin = UploadCommand::Begin {
            name: shop(),
            description: description.to_owned(),
            making: Making::default(),
        };
        let version = tell(&mut catalog, begin).unwrap();
        assert_eq!(version.status, VersionStatus::Init);
        let code_version = version.code_version.clone();
        (catalog, code_version)
    }

    fn complete(
        catalog: &mut Catalog,
        code_version: &CodeVersion,
        code: &[u8],
    ) -> Result<Arc<Version>, Refused> {
        let complete = UploadCommand::Complete {
            name: shop(),
            code_version: code_version.clone(),
            code: Some(code.into()),
            assets: Assets { files: 1, bytes: 2 },
        };
        tell(catalog, complete)
    }

    fn fail(catalog: &mut Catalog, code_version: &CodeVersion) -> Result<Arc<Version>, Refused> {
        tell(catalog, UploadCommand::Fail { name: shop(), code_version: code_version.clone() })
    }

    fn deploy(catalog: &mut Catalog, code_version: &CodeVersion) -> Result<(), Refused> {
        let command = Command::Deploy {
            name: shop(),
            environment: Environment::Production,
            shares: Shares::whole(code_version.clone()),
        };
        apply(catalog, command, None, Timestamp(6)).map(drop)
    }

    #[test]
    fn only_what_is_available_is_deployed() {
        let (mut catalog, version) = begun("");
        let refused = |status| Err(Refused::NotAvailable(version.clone(), status));
        assert_eq!(deploy(&mut catalog, &version), refused(VersionStatus::Init));
        fail(&mut catalog, &version).unwrap();
        assert_eq!(deploy(&mut catalog, &version), refused(VersionStatus::Failed));
        let done = complete(&mut catalog, &version, b"code").unwrap();
        assert_eq!(done.making.assets, Assets { files: 1, bytes: 2 });
        assert_eq!(deploy(&mut catalog, &version), Ok(()));
    }

    #[test]
    fn what_is_available_neither_fails_nor_changes() {
        let (mut catalog, version) = begun("");
        let done = complete(&mut catalog, &version, b"code").unwrap();
        let already = Refused::AlreadyUploaded(version.clone());
        assert_eq!(complete(&mut catalog, &version, b"other"), Err(already.clone()));
        assert_eq!(fail(&mut catalog, &version), Err(already));
        assert_eq!(catalog.routine(&shop()).unwrap().versions[&version], done);
    }

    #[test]
    fn the_description_names_the_upstream_before_the_code_does() {
        let code = b"// @upstream http://code.test";
        for (description, upstream) in
            [("upstream=http://words.test", "http://words.test"), ("", "http://code.test")]
        {
            let (mut catalog, version) = begun(description);
            let done = complete(&mut catalog, &version, code).unwrap();
            assert_eq!(done.upstream.as_ref().unwrap().as_str(), upstream);
        }
        let (mut catalog, version) = begun("");
        let refused = complete(&mut catalog, &version, b"// @upstream moon").unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)), "{refused}");
        let large = vec![b' '; super::super::CODE_MAX_BYTES + 1];
        let refused = complete(&mut catalog, &version, &large).unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)), "{refused}");
    }

    #[test]
    fn a_version_that_is_not_there_takes_no_upload() {
        let (mut catalog, _) = begun("");
        let other = CodeVersion::new("1").unwrap();
        let none = Refused::NoVersion(shop(), other.clone());
        assert_eq!(complete(&mut catalog, &other, b""), Err(none.clone()));
        assert_eq!(fail(&mut catalog, &other), Err(none));
    }
}
