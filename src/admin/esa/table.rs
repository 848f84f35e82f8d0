//! The README's table of every action of the pages and what stands behind it, made from
//! the dispatch table, so that it cannot lie.

use std::fmt::Write;
use std::path::Path;

use super::action::{Backing, FAMILIES, find};

const BEGIN: &str = "<!-- actions -->\n";
const END: &str = "<!-- /actions -->";
/// With this variable in the environment, the table is written and not compared.
const WRITE: &str = "SERIN_WRITE";

/// Every action of the pages, by what it is about.
const PAGES: [(&str, &[&str]); 6] = [
    (
        "routines",
        &[
            "CreateRoutine",
            "DeleteRoutine",
            "GetRoutine",
            "GetRoutineAccessToken",
            "GetRoutineStagingEnvIp",
            "GetRoutineUserInfo",
            "ListRoutineCanaryAreas",
            "ListUserRoutines",
            "UpdateRoutineConfigDescription",
        ],
    ),
    (
        "code versions and deployments",
        &[
            "CommitRoutineStagingCode",
            "CreateRoutineCodeDeployment",
            "CreateRoutineWithAssetsCodeVersion",
            "DeleteRoutineCodeVersion",
            "GetRoutineCodeVersion",
            "GetRoutineCodeVersionInfo",
            "GetRoutineStagingCodeUploadInfo",
            "ListRoutineCodeVersions",
            "PublishRoutineCodeVersion",
        ],
    ),
    (
        "sites, records and routes",
        &[
            "CreateRoutineRelatedRecord",
            "CreateRoutineRelatedRoute",
            "CreateRoutineRoute",
            "DeleteRoutineRelatedRecord",
            "DeleteRoutineRelatedRoute",
            "DeleteRoutineRoute",
            "GetMatchSite",
            "GetRoutineRoute",
            "ListEdgeRoutineRecords",
            "ListRoutineRelatedRecords",
            "ListRoutineRoutes",
            "ListSiteRoutes",
            "ListSites",
            "UpdateRoutineRoute",
        ],
    ),
    (
        "environment variables and builds",
        &[
            "CreateRoutineBuild",
            "CreateRoutineBuildConfiguration",
            "DeleteRoutineBuildConfiguration",
            "DeleteRoutineEnvironmentVariables",
            "GetRoutineBuild",
            "GetRoutineBuildConfiguration",
            "ListRoutineBuildConfigurations",
            "ListRoutineBuilds",
            "ListRoutineEnvironmentVariables",
            "ReDoRoutineBuild",
            "SetRoutineEnvironmentVariables",
            "StopRoutineBuild",
            "UpdateRoutineBuildConfiguration",
        ],
    ),
    ("the service", &["GetErService", "ListEdgeRoutinePlans", "OpenErService"]),
    (
        "edge container apps",
        &[
            "CreateEdgeContainerApp",
            "CreateEdgeContainerAppImageSecret",
            "CreateEdgeContainerAppRecord",
            "CreateEdgeContainerAppVersion",
            "DeleteEdgeContainerApp",
            "DeleteEdgeContainerAppImageSecret",
            "DeleteEdgeContainerAppRecord",
            "DeleteEdgeContainerAppVersion",
            "DescribeEdgeContainerAppStats",
            "GetEdgeContainer",
            "GetEdgeContainerApp",
            "GetEdgeContainerAppLogRiver",
            "GetEdgeContainerAppResourceCapacity",
            "GetEdgeContainerAppResourceReserve",
            "GetEdgeContainerAppResourceStatus",
            "GetEdgeContainerAppStatus",
            "GetEdgeContainerAppVersion",
            "GetEdgeContainerDeployRegions",
            "GetEdgeContainerLogs",
            "GetEdgeContainerStagingDeployStatus",
            "GetEdgeContainerTerminal",
            "ListEdgeContainerAppImageSecrets",
            "ListEdgeContainerAppRecords",
            "ListEdgeContainerAppVersions",
            "ListEdgeContainerApps",
            "ListEdgeContainerRecords",
            "OpenEdgeContainer",
            "PublishEdgeContainerAppVersion",
            "RebuildEdgeContainerAppStagingEnv",
            "RollbackEdgeContainerAppVersion",
            "UpdateEdgeContainerAppLogRiver",
            "UpdateEdgeContainerAppResourceReserve",
        ],
    ),
];

fn behind(name: &str) -> &'static str {
    match find(name).map(|action| action.backing) {
        Some(Backing::Real) => "real",
        Some(Backing::Plausible) => "plausible",
        None => "absent",
    }
}

fn table() -> String {
    let mut table = String::new();
    for (family, names) in PAGES {
        write!(table, "\n| {family} | what stands behind it |\n|---|---|\n").unwrap();
        for name in names {
            writeln!(table, "| `{name}` | {} |", behind(name)).unwrap();
        }
    }
    table.push('\n');
    table
}

#[test]
fn the_readme_tells_of_every_action_what_stands_behind_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (told, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert!(told == table, "the table is old: run this test with {WRITE}=1 to make it anew");
    }
}

#[test]
fn every_action_that_is_spoken_is_of_the_pages_and_told_once() {
    let mut told: Vec<&str> = PAGES.iter().flat_map(|(_, names)| *names).copied().collect();
    for action in FAMILIES.iter().copied().flatten() {
        assert!(told.contains(&action.name), "{} is in no family of PAGES", action.name);
    }
    let all = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), all);
    for (family, names) in PAGES {
        assert!(names.is_sorted(), "{family}");
    }
}
