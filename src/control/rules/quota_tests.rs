//! Quotas, as sentences.

use super::*;
use crate::control::UploadCommand;
use crate::model::{
    CodeVersion, DeclaredRoutine, DeclaredVersion, Making, Quota, QuotaReached, Quotas,
};

fn name(text: &str) -> RoutineName {
    RoutineName::new(text).unwrap()
}

fn create(routine: &str) -> Command {
    Command::CreateRoutine { name: name(routine), description: String::new(), has_assets: false }
}

fn add(routine: &str, code_version: Option<&str>) -> Command {
    Command::AddVersion {
        name: name(routine),
        code_version: code_version.map(|text| CodeVersion::new(text).unwrap()),
        description: String::new(),
        upstream: None,
    }
}

fn stage(routine: &str) -> Command {
    Command::StageCode {
        name: name(routine),
        description: String::new(),
        code: b"code".as_slice().into(),
    }
}

fn commit(routine: &str) -> Command {
    Command::CommitStagedCode { name: name(routine), description: None, deploy_env: None }
}

fn begin(routine: &str) -> Command {
    Command::Upload(UploadCommand::Begin {
        name: name(routine),
        description: String::new(),
        making: Making::default(),
    })
}

fn tell(catalog: &mut Catalog, command: Command) -> Result<Applied, Refused> {
    apply(catalog, command, None, Timestamp(7))
}

fn quotas(routines: Option<u32>, versions_per_routine: Option<u32>) -> Command {
    Command::SetQuotas(Quotas { routines, versions_per_routine, routes: None })
}

/// What a refused command must not touch.
fn counted(catalog: &Catalog) -> (usize, usize, i64, usize) {
    let versions = catalog.routines.values().map(|routine| routine.versions.len()).sum();
    (catalog.routines.len(), versions, catalog.last_minted, catalog.deleted_versions.len())
}

#[track_caller]
fn assert_reached(catalog: &mut Catalog, command: Command, what: Quota, max: u32) {
    let before = counted(catalog);
    let refused = tell(catalog, command).map(drop);
    assert_eq!(refused, Err(Refused::QuotaReached(QuotaReached { what, max })));
    assert_eq!(counted(catalog), before);
}

#[test]
fn routines_are_made_up_to_their_quota() {
    let mut catalog = Catalog::default();
    let changes = tell(&mut catalog, quotas(Some(2), None)).unwrap().changes;
    assert!(changes.is_empty(), "quotas are not stored: {changes:?}");
    tell(&mut catalog, create("aa")).unwrap();
    tell(&mut catalog, create("bb")).unwrap();
    assert_reached(&mut catalog, create("cc"), Quota::Routines, 2);
    // What is wrong with the name is told before.
    let exists = tell(&mut catalog, create("aa")).map(drop);
    assert_eq!(exists, Err(Refused::RoutineExists(name("aa"))));
    tell(&mut catalog, Command::DeleteRoutine { name: name("aa") }).unwrap();
    tell(&mut catalog, create("cc")).unwrap();
}

#[test]
fn versions_are_made_up_to_their_quota_however_they_are_made() {
    let mut catalog = Catalog::default();
    for command in [quotas(None, Some(2)), create("aa"), create("bb"), stage("aa")] {
        tell(&mut catalog, command).unwrap();
    }
    tell(&mut catalog, add("aa", Some("1"))).unwrap();
    tell(&mut catalog, commit("aa")).unwrap();
    let gone =
        Command::DeleteVersion { name: name("aa"), code_version: CodeVersion::new("1").unwrap() };
    tell(&mut catalog, gone).unwrap();
    tell(&mut catalog, add("aa", None)).unwrap();
    for more in [add("aa", Some("1")), add("aa", None), commit("aa"), begin("aa")] {
        assert_reached(&mut catalog, more, Quota::VersionsPerRoutine, 2);
    }
    // Each routine has its own count.
    tell(&mut catalog, add("bb", None)).unwrap();
}

#[test]
fn what_the_config_declares_is_made_and_counts() {
    let mut catalog = Catalog::default();
    tell(&mut catalog, quotas(Some(1), Some(1))).unwrap();
    let version =
        |text| DeclaredVersion { code_version: CodeVersion::new(text).unwrap(), upstream: None };
    let declared = |text| DeclaredRoutine {
        name: name(text),
        routes: Vec::new(),
        sticky: None,
        cohort: None,
        versions: vec![version("1"), version("2")],
        deployments: Vec::new(),
    };
    declare(&mut catalog, vec![declared("aa"), declared("bb")].into(), Timestamp(1));
    assert_eq!((catalog.routines.len(), counted(&catalog).1), (2, 4));
    assert_reached(&mut catalog, create("cc"), Quota::Routines, 1);
    assert_reached(&mut catalog, add("aa", None), Quota::VersionsPerRoutine, 1);
}
