//! What the store does with files, its own and others'.

use std::fs;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::control::change::Change;
use crate::control::handle::{AppHistoryPage, HistoryPage};
use crate::control::rules::apply;
use crate::control::{AppCommand, Command, NewApp, NewAppVersion, Reply, VariableCommand};
use crate::model::{
    AppName, Catalog, CodeVersion, DeploymentId, Environment, Origin, Percent, Reach, RegionName,
    RoutineName, Shares, SiteId, Timestamp, Variable, VariableKey, Version, VersionId,
};
use Environment::{Production, Staging};

/// A folder of its own, and the path of a store that is not there yet.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    (folder, path)
}

fn name(text: &str) -> RoutineName {
    RoutineName::new(text).unwrap()
}

fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).unwrap()
}

/// The changes of a routine that has one version with code, live in production.
fn shop() -> Vec<Change> {
    let (mut catalog, mut changes) = (Catalog::default(), Vec::new());
    let mut tell = |command| {
        let applied = apply(&mut catalog, command, None, Timestamp(5)).unwrap();
        changes.extend(applied.changes);
        applied.reply
    };
    tell(Command::CreateRoutine {
        name: name("shop"),
        description: String::new(),
        has_assets: false,
    });
    tell(Command::StageCode {
        name: name("shop"),
        description: "upstream=http://a.test".to_owned(),
        code: b"export {}".as_slice().into(),
    });
    let committed =
        tell(Command::CommitStagedCode { name: name("shop"), description: None, deploy_env: None });
    let Reply::Version(committed) = committed else {
        panic!("{committed:?}");
    };
    let key = |text| VariableKey::new(text).unwrap();
    tell(Command::Variables(VariableCommand::Set {
        name: name("shop"),
        environment: Production,
        variables: vec![
            (key("PLAIN"), Variable::plain("").unwrap()),
            (key("SECRET"), Variable::secret("hunter2").unwrap()),
        ],
    }));
    tell(Command::Deploy {
        name: name("shop"),
        environment: Environment::Production,
        shares: Shares::whole(committed.code_version.clone()),
    });
    changes
}

/// A store with [`shop`], closed, and then changed by `sql` behind its back.
fn tampered(path: &Path, sql: &str) {
    let mut store = Store::open(path).unwrap();
    store.save(&shop()).unwrap();
    drop(store);
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Why the file at `path` is not opened; it has to be left as it was.
fn refusal(path: &Path) -> StoreError {
    let before = fs::read(path).unwrap();
    let error = Store::open(path).unwrap_err();
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    error
}

#[test]
fn code_is_kept_as_it_was_committed() {
    let (_folder, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.save(&shop()).unwrap();
    let later = Change::CodeStaged(
        name("shop"),
        crate::model::StagedCode { description: String::new(), upstream: None },
        b"later".as_slice().into(),
    );
    store.save(&[later]).unwrap();
    drop(store);

    let store = Store::open(&path).unwrap();
    let code = |of: &str, of_version: &str| {
        let code = store.code(&name(of), &version(of_version));
        code.unwrap()
    };
    let committed = "0000000000000000005";
    assert_eq!(code("shop", committed).unwrap(), b"export {}");
    assert_eq!(code("shop", "1"), None);
    assert_eq!(code("other", committed), None);
}

#[test]
fn a_secret_is_not_in_the_store() {
    let (folder, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.save(&shop()).unwrap();
    let variables = |store: &Store| {
        let catalog = store.load().unwrap();
        let variables = &catalog.routine(&name("shop")).unwrap().variables;
        let told = |(key, variable): (&VariableKey, &Variable)| {
            (key.to_string(), variable.value().map(str::to_owned))
        };
        variables[Production.index()].iter().map(told).collect::<Vec<_>>()
    };
    let plain = ("PLAIN".to_owned(), Some(String::new()));
    assert_eq!(variables(&store), [plain, ("SECRET".to_owned(), None)]);
    for file in fs::read_dir(folder.path()).unwrap() {
        let octets = fs::read(file.unwrap().path()).unwrap();
        assert!(!octets.windows(7).any(|octets| octets == b"hunter2"));
    }
    store.save(&[Change::RoutineGone(name("shop"))]).unwrap();
    let left: i64 =
        store.connection.query_row("SELECT count(*) FROM variable", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn history_outlives_its_routine_and_is_read_page_by_page() {
    let mut store = Store::in_memory().unwrap();
    store.save(&shop()).unwrap();
    let deployed = |id: u64, environment| {
        let deployment = crate::model::Deployment {
            id: DeploymentId(id),
            shares: Shares::whole(version("0000000000000000005")),
            created: Timestamp(5),
        };
        Change::Deployed(name("shop"), environment, deployment.into())
    };
    store
        .save(&[
            deployed(2, Staging),
            deployed(3, Production),
            deployed(4, Staging),
            Change::RoutineGone(name("shop")),
            Change::RoutineBuried(name("shop")),
        ])
        .unwrap();
    let page = |environment, before, limit| {
        let page = HistoryPage { name: name("shop"), environment, before, limit };
        let records = store.history(&page).unwrap();
        let ids = records.iter().map(|record| record.deployment.id.0);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 9), [4, 3, 2, 1]);
    assert_eq!(page(None, None, 3), [4, 3, 2]);
    assert_eq!(page(None, Some(3), 9), [2, 1]);
    assert_eq!(page(Some(Staging), None, 9), [4, 2]);
    assert_eq!(page(Some(Production), Some(3), 9), [1]);
    assert_eq!(page(None, Some(u64::MAX), 1), [4]);

    let catalog = store.load().unwrap();
    assert!(catalog.routines.is_empty());
    assert_eq!(catalog.last_deployment, 4);
    assert_eq!(catalog.ever_deployed.len(), 2);
    let found = |environment, id| {
        let found = store.deployment(&name("shop"), environment, DeploymentId(id));
        found.unwrap().map(|deployment| deployment.id.0)
    };
    assert_eq!(found(Staging, 2), Some(2));
    assert_eq!(found(Production, 2), None);
    assert_eq!(found(Production, u64::MAX), None);
}

#[test]
fn a_store_has_one_owner_at_a_time() {
    let (_folder, path) = place();
    let first = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("in use by another program"));
    drop(first);
    Store::open(&path).unwrap();
}

#[test]
fn a_store_that_another_program_reads_is_in_use() {
    let (_folder, path) = place();
    drop(Store::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM routine;").unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
}

#[test]
fn what_is_no_file_of_ours_is_not_opened() {
    let (folder, path) = place();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    let nowhere = path.join("nowhere").join("serin.db");
    let error = Store::open(&nowhere).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().contains("serin may read and write"));
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let (_folder, path) = place();
    let long = "# a config\n".repeat(7_000);
    for text in ["x", "[listen]\n", &long, "SQLite format 3\0"] {
        fs::write(&path, text).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_folder, path) = place();
    fs::write(&path, b"").unwrap();
    Store::open(&path).unwrap();
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    for sql in [
        "CREATE TABLE routine (name TEXT);",
        "PRAGMA application_id = 7;",
        "PRAGMA user_version = 1;",
        "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);",
    ] {
        let (_folder, path) = place();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Foreign(_)), "{sql}: {error}");
    }
}

#[test]
fn the_log_that_another_program_left_is_left_too() {
    let (folder, path) = place();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x);").unwrap();
    // As a `kill -9` leaves it.
    let (left, log) = (folder.path().join("left.db"), folder.path().join("left.db-wal"));
    fs::copy(&path, &left).unwrap();
    fs::copy(folder.path().join("serin.db-wal"), &log).unwrap();
    drop(other);
    let before = fs::read(&log).unwrap();
    let error = refusal(&left);
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    assert!(!before.is_empty() && fs::read(&log).unwrap() == before);
}

#[test]
fn a_store_of_the_first_schema_is_opened_with_all_it_holds() {
    let (_folder, path) = place();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(schema::STEPS[0]).unwrap();
    old.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute_batch(
        r#"INSERT INTO routine VALUES ('shop', 'old', 0, 5, 'api', '[]', '["spread"]', 0, '', 0);
           INSERT INTO version VALUES ('shop', '1', '', 5, NULL, 0, 'api');
           INSERT INTO deployment VALUES
               (7, 'shop', 'production', '[{"code_version":"1","percentage":100}]', 5);
           INSERT INTO environment VALUES ('shop', 'production', 7);"#,
    )
    .unwrap();
    drop(old);

    let store = Store::open(&path).unwrap();
    let catalog = store.load().unwrap();
    assert_eq!(catalog.last_deployment, 7);
    assert!(catalog.apps.is_empty());
    let shop = catalog.routine(&name("shop")).unwrap();
    assert_eq!(shop.description, "old");
    let old = Version { origin: Origin::Api, ..Version::new(version("1"), Timestamp(5)) };
    assert_eq!(*shop.versions["1"], old, "available, and nothing is told of its making");
    assert_eq!(shop.deployment(Production).unwrap().id, DeploymentId(7));
    drop(store);
    let schema: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(schema, schema::KNOWN);
}

/// An app with everything that an app can have.
fn storefront() -> (Catalog, Vec<Change>) {
    let (mut catalog, mut changes) = (Catalog::default(), Vec::new());
    let mut tell = |command| {
        let applied = apply(&mut catalog, Command::App(command), None, Timestamp(5)).unwrap();
        changes.extend(applied.changes);
        applied.reply
    };
    let new = NewApp {
        name: AppName::new("storefront").unwrap(),
        remarks: "remarks".to_owned(),
        service_port: 443,
        target_port: 8080,
        health_check: "{}".to_owned(),
    };
    let Reply::App(app) = tell(AppCommand::Create(new)) else { panic!("an app") };
    let id = app.id.clone();
    let mut add = |name: &str| {
        let version = NewAppVersion {
            name: name.to_owned(),
            remarks: String::new(),
            containers: r#"[{"Image":"web:1"}]"#.to_owned(),
            upstream: Some(crate::model::Upstream::new("http://a.test").unwrap()),
        };
        match tell(AppCommand::AddVersion { id: id.clone(), version }) {
            Reply::AppVersion(version) => version.version_id.clone(),
            other => panic!("{other:?}"),
        }
    };
    let (one, two, three) = (add("one"), add("two"), add("three"));
    let publish = |version_id: &VersionId, reach, start| AppCommand::Publish {
        id: id.clone(),
        environment: Production,
        version_id: version_id.clone(),
        reach,
        remarks: "why".to_owned(),
        start,
    };
    let regions: std::sync::Arc<[_]> = [RegionName::new("jiangsu").unwrap()].into();
    tell(publish(&one, Reach::Percent(Percent::ALL), None));
    tell(publish(&two, Reach::Regions(regions.clone()), None));
    tell(publish(&one, Reach::FullRelease(regions), Some(Timestamp(90))));
    tell(publish(&two, Reach::Percent(Percent::new(7).unwrap()), Some(Timestamp(80))));
    tell(AppCommand::DeleteVersion { id: id.clone(), version_id: three });
    let host = crate::model::Domain::new("shop.test").unwrap();
    tell(AppCommand::AddRecord { id: id.clone(), host, site: SiteId::new(3).unwrap() });
    tell(AppCommand::Revise { id, sticky: None, cohort: Some("again".to_owned()) });
    (catalog, changes)
}

#[test]
fn an_app_is_read_as_it_was_written() {
    let (_folder, path) = place();
    let mut store = Store::open(&path).unwrap();
    let (catalog, changes) = storefront();
    store.save(&changes).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    let read = store.load().unwrap();
    assert_eq!(read.apps, catalog.apps);
    assert_eq!(read.app_names, catalog.app_names);
    assert_eq!(read.bound_hosts, catalog.bound_hosts);
    assert_eq!(read.schedule, catalog.schedule);
    assert_eq!(read.deleted_app_versions, catalog.deleted_app_versions);
    assert_eq!(
        (read.last_minted, read.last_deployment),
        (catalog.last_minted, catalog.last_deployment)
    );

    let id = catalog.apps.keys().next().unwrap().clone();
    let page = AppHistoryPage { id, environment: None, before: Some(2), limit: 9 };
    let told: Vec<_> = store.app_history(&page).unwrap();
    let told: Vec<_> = told.iter().map(|it| (it.publish.id.0, it.environment)).collect();
    assert_eq!(told, [(1, Production)]);
}

#[test]
fn a_newer_store_is_left_as_it_is() {
    let (_folder, path) = place();
    let newer = schema::KNOWN + 1;
    tampered(&path, &format!("PRAGMA user_version = {newer};"));
    let error = refusal(&path);
    let StoreError::Newer { found, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(found, newer);
}

#[test]
fn a_damaged_store_is_left_as_it_is() {
    let (_folder, path) = place();
    tampered(&path, "");
    let sound = fs::read(&path).unwrap();
    let page = 4_096;
    for first in (page..sound.len()).step_by(page) {
        let mut damaged = sound.clone();
        damaged[first..first + 64].fill(0xff);
        fs::write(&path, &damaged).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Damaged { .. }), "{first}: {error}");
        assert!(error.to_string().contains("restore a backup"));
    }
    fs::write(&path, &sound[..sound.len() - page]).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_row_that_means_nothing_is_named() {
    for (sql, table, row) in [
        ("UPDATE routine SET sticky = '[\"moon\"]'", "routine", "shop"),
        ("UPDATE routine SET routes = '{}'", "routine", "shop"),
        ("UPDATE routine SET has_assets = 'no'", "routine", "shop"),
        ("UPDATE routine SET description = CAST(x'ff' AS TEXT)", "routine", "shop"),
        ("UPDATE version SET upstream = 'moon'", "version", "shop 0000000000000000005"),
        ("UPDATE version SET status = 'done'", "version", "shop 0000000000000000005"),
        ("UPDATE version SET build_id = -1", "version", "shop 0000000000000000005"),
        ("UPDATE version SET deploy_env = 'moon'", "version", "shop 0000000000000000005"),
        ("UPDATE version SET asset_bytes = -1", "version", "shop 0000000000000000005"),
        (
            "UPDATE variable SET environment = 'moon' WHERE key = 'PLAIN'",
            "variable",
            "shop moon PLAIN",
        ),
        ("UPDATE variable SET key = 'A-B' WHERE value IS NULL", "variable", "shop production A-B"),
        ("UPDATE staged_code SET upstream = 'moon'", "staged_code", "shop"),
        ("UPDATE environment SET environment = 'moon'", "environment", "shop moon"),
        (
            "UPDATE deployment SET shares = '[{\"code_version\":\"1\",\"percentage\":99}]'",
            "environment",
            "shop production",
        ),
        (
            "UPDATE deployment SET shares = '[{\"code_version\":\"1\",\"percentage\":100}]'",
            "environment",
            "shop production",
        ),
        ("PRAGMA foreign_keys = OFF; DELETE FROM routine", "version", "shop 0000000000000000005"),
        ("INSERT INTO deleted_routine VALUES ('Shop')", "deleted_routine", "Shop"),
        ("INSERT INTO deleted_version VALUES ('shop', '?')", "deleted_version", "shop ?"),
        (
            "UPDATE deployment SET id = -1; UPDATE environment SET live = -1",
            "environment",
            "shop production",
        ),
    ] {
        let (_folder, path) = place();
        let sql = format!("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {sql}");
        let mut store = Store::open(&path).unwrap();
        store.save(&shop()).unwrap();
        if let Err(error) = store.connection.execute_batch(&sql) {
            // A strict table refuses it by itself.
            assert!(sql.contains("has_assets"), "{sql}: {error}");
            continue;
        }
        let StoreError::Corrupt { table: in_table, row: in_row, why } = store.load().unwrap_err()
        else {
            panic!("{sql}");
        };
        assert_eq!((in_table, in_row.as_str()), (table, row), "{sql}: {why}");
    }
}
