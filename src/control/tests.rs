//! The one writer, with a real database.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::model::{
    AppId, AppName, Assets, CodeVersion, DeclaredApp, DeclaredDeployment, DeclaredRoutine,
    DeclaredVersion, Domain, Making, Percent, Quotas, Route, Sticky, Upstream, Variable,
    VariableKey, VersionStatus,
};
use crate::routing::request_for;
use Environment::{Production, Staging};

fn name(text: &str) -> RoutineName {
    RoutineName::new(text).unwrap()
}

fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).unwrap()
}

fn split(older: &str, newer: &str, percent: u64) -> Shares {
    let percent_of = |percent| Percent::new(percent).unwrap();
    Shares::new(vec![
        (version(older), percent_of(100 - percent)),
        (version(newer), percent_of(percent)),
    ])
    .unwrap()
}

fn deploy(routine: &str, shares: Shares) -> Command {
    Command::Deploy { name: name(routine), environment: Production, shares }
}

fn create(routine: &str) -> Command {
    Command::CreateRoutine { name: name(routine), description: String::new(), has_assets: false }
}

fn stage(routine: &str, length: usize) -> Command {
    Command::StageCode {
        name: name(routine),
        description: String::new(),
        code: vec![b' '; length].into(),
    }
}

/// Routine `name` with versions `1` and `2`, and 90/10 in production.
fn declared(routine: &str) -> DeclaredRoutine {
    let version = |text| DeclaredVersion {
        code_version: version(text),
        upstream: Some(Upstream::new("http://127.0.0.1:9001").unwrap()),
    };
    DeclaredRoutine {
        name: name(routine),
        routes: vec![Route::new(&format!("{routine}.test/*")).unwrap()],
        sticky: None,
        cohort: None,
        versions: vec![version("1"), version("2")],
        deployments: vec![DeclaredDeployment {
            environment: Production,
            shares: split("1", "2", 10),
        }],
    }
}

fn open(store: Store, declared: Vec<DeclaredRoutine>) -> Opened {
    let ticks = AtomicI64::new(1_700_000_000_000_000_000);
    let clock = move || Timestamp(ticks.fetch_add(1, Ordering::Relaxed));
    ControlPlane::open(store, Settings::default(), declared, clock).unwrap()
}

fn open_in_memory(declared: Vec<DeclaredRoutine>) -> Opened {
    open(Store::in_memory().unwrap(), declared)
}

type Outcome = Result<Reply, CommandError>;

/// Has the plane serve `commands` as one batch.
fn tell(plane: &mut ControlPlane, commands: Vec<Command>) -> Vec<Outcome> {
    let (letters, replies): (Vec<_>, Vec<_>) = commands
        .into_iter()
        .map(|command| {
            let (answer, reply) = oneshot::channel();
            (Letter::Command(command, answer), reply)
        })
        .unzip();
    plane.serve(letters);
    let mut answered = Vec::new();
    for mut reply in replies {
        answered.push(reply.try_recv().expect("every letter is answered"));
    }
    answered
}

fn deployed_id(outcome: &Outcome) -> u64 {
    match outcome {
        Ok(Reply::Deployed(deployed)) => deployed.deployment.id.0,
        other => panic!("{other:?}"),
    }
}

fn live_shares(catalog: &Catalog, routine: &str) -> Shares {
    let routine = catalog.routine(&name(routine)).unwrap();
    routine.deployment(Production).unwrap().shares.clone()
}

/// The deployments that requests meet, as `id`s, each once for each of its versions.
fn published_ids(table: &TableReader) -> Vec<u64> {
    table.read(|table| {
        let ids = table.live_targets().filter_map(|target| target.deployment);
        let ids = ids.map(|id| id.0);
        ids.collect()
    })
}

/// Everything in a catalog, so that two can be compared.
fn all_of(catalog: &Catalog) -> impl PartialEq + std::fmt::Debug + use<> {
    let catalog = catalog.clone();
    (
        catalog.routines,
        (catalog.last_deployment, catalog.last_minted),
        catalog.ever_deployed,
        (catalog.deleted_routines, catalog.deleted_versions),
    )
}

#[test]
fn commands_of_one_batch_build_on_each_other_and_are_answered_in_order() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let outcomes = tell(
        &mut plane,
        vec![
            create("cart"),
            create("cart"),
            deploy("shop", split("1", "2", 20)),
            deploy("shop", split("1", "9", 20)),
            deploy("shop", split("1", "2", 30)),
        ],
    );
    assert!(matches!(outcomes[0], Ok(Reply::Routine(_))));
    let refused = |outcome: &Outcome| match outcome {
        Err(CommandError::Refused(refused)) => refused.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&outcomes[1]), Refused::RoutineExists(name("cart")));
    let no_version = Refused::NoVersion(name("shop"), version("9"));
    assert_eq!(refused(&outcomes[3]), no_version);
    assert_eq!(deployed_id(&outcomes[2]), 2);
    assert_eq!(deployed_id(&outcomes[4]), 3);
    assert_eq!(live_shares(&plane.catalog, "shop"), split("1", "2", 30));
}

#[test]
fn of_two_who_saw_the_same_one_deploys() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let sees_the_first = |percent| {
        let condition: Condition = Box::new(|catalog| {
            let live = catalog.routine(&name("shop")).unwrap().deployment(Production).unwrap();
            if live.id == DeploymentId(1) { Ok(()) } else { Err(format!("it is {}", live.id)) }
        });
        let (answer, reply) = oneshot::channel();
        let command = deploy("shop", split("1", "2", percent));
        (Letter::Conditional(condition, command, answer), reply)
    };
    let ((one, mut first), (other, mut second)) = (sees_the_first(20), sees_the_first(30));
    plane.serve(vec![one, other]);
    assert_eq!(deployed_id(&first.try_recv().unwrap()), 2);
    match second.try_recv().unwrap() {
        Err(CommandError::Refused(Refused::Unmet(why))) => assert_eq!(why, "it is 2"),
        other => panic!("{other:?}"),
    }
    assert_eq!(live_shares(&plane.catalog, "shop"), split("1", "2", 20));
}

#[test]
fn what_is_answered_is_published() {
    let Opened { mut plane, table, .. } = open_in_memory(vec![declared("shop")]);
    assert_eq!(published_ids(&table), [1, 1]);
    let whole = deploy("shop", Shares::whole(version("2")));
    tell(&mut plane, vec![whole]);
    assert_eq!(published_ids(&table), [2]);
    let delete = Command::DeleteRoutine { name: name("shop") };
    tell(&mut plane, vec![delete]);
    assert!(published_ids(&table).is_empty());
}

#[test]
fn a_query_reads_what_came_before_it() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let (deployed, _) = oneshot::channel();
    let (catalog, mut then) = oneshot::channel();
    let (history, mut records) = oneshot::channel();
    let page = HistoryPage { name: name("shop"), environment: None, before: None, limit: 9 };
    plane.serve(vec![
        Letter::Command(deploy("shop", split("1", "2", 50)), deployed),
        Letter::Catalog(catalog),
        Letter::History(page, history),
    ]);
    let then = then.try_recv().unwrap();
    assert_eq!(live_shares(&then, "shop"), split("1", "2", 50));
    let records = records.try_recv().unwrap().unwrap();
    let ids: Vec<_> = records.iter().map(|record| record.deployment.id.0).collect();
    assert_eq!(ids, [2, 1]);
}

#[test]
fn code_is_read_as_it_was_committed() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let commit =
        Command::CommitStagedCode { name: name("shop"), description: None, deploy_env: None };
    let outcomes =
        tell(&mut plane, vec![stage("shop", 3), commit.clone(), stage("shop", 4), commit]);
    for (outcome, length) in [(&outcomes[1], 3), (&outcomes[3], 4)] {
        let Ok(Reply::Version(committed)) = outcome else {
            panic!("{outcome:?}");
        };
        let (answer, mut code) = oneshot::channel();
        let code_version = committed.code_version.clone();
        plane.serve(vec![Letter::Code(name("shop"), code_version, answer)]);
        let code = code.try_recv().unwrap().unwrap();
        assert_eq!(code, Some(vec![b' '; length]));
    }
}

#[test]
fn a_rollback_goes_to_the_one_before_even_in_its_own_batch() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let back = |to: Option<u64>| Command::Rollback {
        name: name("shop"),
        environment: Production,
        to: to.map(DeploymentId),
    };
    let outcomes = tell(
        &mut plane,
        vec![deploy("shop", split("1", "2", 20)), deploy("shop", split("1", "2", 30)), back(None)],
    );
    assert_eq!(deployed_id(&outcomes[2]), 4);
    assert_eq!(live_shares(&plane.catalog, "shop"), split("1", "2", 20));

    let outcomes = tell(&mut plane, vec![back(Some(1)), back(Some(9))]);
    assert_eq!(deployed_id(&outcomes[0]), 5);
    assert_eq!(live_shares(&plane.catalog, "shop"), split("1", "2", 10));
    let unknown = Refused::UnknownDeployment(name("shop"), Production, DeploymentId(9));
    assert!(matches!(&outcomes[1], Err(CommandError::Refused(refused)) if *refused == unknown));
}

#[test]
fn a_rollback_to_a_version_that_is_gone_is_refused() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let outcomes = tell(
        &mut plane,
        vec![
            deploy("shop", Shares::whole(version("2"))),
            Command::DeleteVersion { name: name("shop"), code_version: version("1") },
            Command::Rollback { name: name("shop"), environment: Production, to: None },
        ],
    );
    let gone = Refused::NoVersion(name("shop"), version("1"));
    assert!(matches!(&outcomes[2], Err(CommandError::Refused(refused)) if *refused == gone));
}

#[test]
fn a_batch_that_cannot_be_stored_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    let Opened { mut plane, table, .. } = open(Store::open(&path).unwrap(), vec![declared("shop")]);
    let before = all_of(&plane.catalog);

    plane.store.fill_up();
    let batch = || {
        vec![
            create("shop"),
            create("cart"),
            // Refused for what is not stored yet.
            create("cart"),
            deploy("shop", split("1", "2", 20)),
            stage("shop", 1_000_000),
        ]
    };
    let outcomes = tell(&mut plane, batch());
    let (refused, kept): (Vec<_>, Vec<_>) =
        outcomes.iter().partition(|outcome| matches!(outcome, Err(CommandError::Refused(_))));
    assert_eq!(refused.len(), 1);
    assert_eq!(kept.len(), 4);
    for outcome in kept {
        assert!(matches!(outcome, Err(CommandError::Store(_))), "{outcome:?}");
    }
    assert!(all_of(&plane.catalog) == before);
    assert!(all_of(&plane.store.load().unwrap()) == before);
    assert_eq!(published_ids(&table), [1, 1]);

    plane.store.make_room();
    let outcomes = tell(&mut plane, batch());
    assert_eq!(deployed_id(&outcomes[3]), 2);
    assert_eq!(published_ids(&table), [2, 2]);
    assert!(all_of(&plane.store.load().unwrap()) == all_of(&plane.catalog));
}

#[test]
fn quotas_hold_although_the_disk_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    let Opened { mut plane, .. } = open(Store::open(&path).unwrap(), vec![declared("shop")]);
    plane.store.fill_up();
    let quotas = |routines| Quotas { routines: Some(routines), ..Quotas::default() };
    let full = stage("shop", 1_000_000);
    let commands = vec![
        Command::SetQuotas(quotas(7)),
        full,
        Command::SetQuotas(quotas(1)),
        // Refused, but beside a change that is not stored.
        create("cart"),
    ];
    let outcomes = tell(&mut plane, commands);
    assert!(matches!(outcomes[0], Ok(Reply::Done)), "{outcomes:?}");
    assert!(matches!(outcomes[1], Err(CommandError::Store(_))), "{outcomes:?}");
    assert!(matches!(outcomes[2], Ok(Reply::Done)), "{outcomes:?}");
    assert!(matches!(outcomes[3], Err(CommandError::Store(_))), "{outcomes:?}");
    assert_eq!(plane.catalog.quotas, quotas(1));
    let [refused] = &tell(&mut plane, vec![create("cart")])[..] else { panic!("one outcome") };
    assert!(matches!(refused, Err(CommandError::Refused(Refused::QuotaReached(_)))), "{refused:?}");
}

#[test]
fn a_start_takes_the_quotas_of_the_config() {
    let quotas = Quotas { routines: Some(1), ..Quotas::default() };
    let declared = Declared {
        routines: vec![declared("shop"), declared("cart")],
        quotas: Some(quotas),
        ..Declared::default()
    };
    let store = Store::in_memory().unwrap();
    let clock = || Timestamp(1_700_000_000_000_000_000);
    let mut plane = ControlPlane::open(store, Settings::default(), declared, clock).unwrap().plane;
    assert_eq!((plane.catalog.quotas, plane.catalog.routines.len()), (quotas, 2));
    let [refused] = &tell(&mut plane, vec![create("more")])[..] else { panic!("one outcome") };
    assert!(matches!(refused, Err(CommandError::Refused(Refused::QuotaReached(_)))), "{refused:?}");
}

/// An app by this number and name, with one version.
fn declared_app(number: u64, app_name: &str) -> DeclaredApp {
    DeclaredApp {
        id: AppId::new(&format!("app-{number:018}")).unwrap(),
        name: AppName::new(app_name).unwrap(),
        sticky: None,
        cohort: None,
        versions: Vec::new(),
    }
}

#[test]
fn a_reload_gives_names_other_owners_in_one_swap() {
    let Opened { mut plane, table, .. } = open_in_memory(vec![declared("shopfront")]);
    let led = |host| table.read(|table| led(table, Production, host));
    let mut reload = |routines, apps| {
        let declared = Declared { routines, apps, ..Declared::default() };
        plane.reload(Reload { settings: Settings::default(), declared }).unwrap()
    };
    reload(vec![declared("shop")], vec![declared_app(1, "storefront")]);
    assert!(led("storefront.localhost").contains("App(AppName(\"storefront\"))"));

    // The app has another name, and then a routine the one that it had.
    reload(vec![declared("shop")], vec![declared_app(1, "storehouse")]);
    assert!(led("storefront.localhost").ends_with("Ok(None)"), "{}", led("storefront.localhost"));
    reload(vec![declared("storefront")], vec![declared_app(1, "storehouse")]);
    assert!(led("storehouse.localhost").contains("App"), "{}", led("storehouse.localhost"));
    assert!(led("storefront.localhost").contains("Routine"), "{}", led("storefront.localhost"));

    // It is gone.
    reload(vec![declared("storefront")], Vec::new());
    assert!(led("storehouse.localhost").ends_with("Ok(None)"), "{}", led("storehouse.localhost"));
}

#[test]
fn a_reload_that_cannot_be_stored_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    let Opened { mut plane, table, .. } = open(Store::open(&path).unwrap(), Vec::new());
    plane.store.fill_up();
    let settings = Settings { domains: vec![domain(EDGE)], ..Settings::default() };
    let routines: Vec<_> = (0..3_000).map(|n| declared(&format!("r{n}"))).collect();
    let reload = || Reload { settings: settings.clone(), declared: routines.clone().into() };
    let led = || table.read(|table| led(table, Production, "r7.edge.test"));
    plane.reload(reload()).unwrap_err();
    assert!(plane.catalog.routines.is_empty());
    assert!(led().ends_with("Ok(None)"), "{}", led());
    plane.store.make_room();
    plane.reload(reload()).unwrap();
    assert!(led().contains("r7"), "{}", led());
}

#[test]
fn what_follows_a_reload_starts_from_it() {
    let Opened { mut plane, .. } = open_in_memory(Vec::new());
    let (answer, mut warnings) = oneshot::channel();
    let declared = vec![declared("shop")].into();
    let reload = Box::new(Reload { settings: Settings::default(), declared });
    let (deployed, mut reply) = oneshot::channel();
    plane.serve(vec![
        Letter::Reload(reload, answer),
        Letter::Command(deploy("shop", split("1", "2", 20)), deployed),
    ]);
    assert_eq!(warnings.try_recv().unwrap().unwrap(), []);
    assert_eq!(deployed_id(&reply.try_recv().unwrap()), 2);
}

#[test]
fn the_same_config_writes_nothing_at_the_second_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.db");
    let config = || (0..300).map(|n| declared(&format!("r{n}"))).collect::<Vec<_>>();
    drop(open(Store::open(&path).unwrap(), config()));
    let before = std::fs::read(&path).unwrap();
    let Opened { plane, .. } = open(Store::open(&path).unwrap(), config());
    assert_eq!(plane.catalog.routines.len(), 300);
    assert_eq!(plane.catalog.last_deployment, 300);
    drop(plane);
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn everyone_is_answered_and_reads_what_was_answered() {
    const CALLERS: u64 = 8;
    const CALLS: u64 = 50;
    let Opened { plane, handle, table, .. } = open_in_memory(vec![declared("shop")]);
    let writer = thread::spawn(|| plane.run());
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (handle, table) = (handle.clone(), table.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(async {
                    let mut ids = Vec::new();
                    for _ in 0..CALLS {
                        let command = deploy("shop", split("1", "2", 1 + caller));
                        let id = deployed_id(&handle.execute(command).await);
                        let published = published_ids(&table);
                        assert!(published.iter().all(|&seen| seen >= id), "{published:?}");
                        let catalog = handle.catalog().await.unwrap();
                        let shop = catalog.routine(&name("shop")).unwrap();
                        assert!(shop.deployment(Production).unwrap().id.0 >= id);
                        assert!(catalog.last_deployment >= id);
                        ids.push(id);
                    }
                    ids
                })
            })
        })
        .collect();
    let mut all = Vec::new();
    for caller in callers {
        let ids = caller.join().unwrap();
        assert!(ids.is_sorted_by(|a, b| a < b));
        all.extend(ids);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(2..2 + CALLERS * CALLS));
    drop(handle);
    writer.join().unwrap();
}

#[test]
fn a_change_stands_although_its_caller_is_gone() {
    let Opened { mut plane, .. } = open_in_memory(vec![declared("shop")]);
    let (answer, reply) = oneshot::channel();
    drop(reply);
    plane.serve(vec![Letter::Command(deploy("shop", split("1", "2", 20)), answer)]);
    assert_eq!(live_shares(&plane.catalog, "shop"), split("1", "2", 20));
}

#[test]
fn a_handle_says_that_serin_stops() {
    let Opened { plane, handle, .. } = open_in_memory(Vec::new());
    drop(plane);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let outcome = runtime.unwrap().block_on(handle.execute(create("shop")));
    assert!(matches!(outcome, Err(CommandError::Stopped)), "{outcome:?}");
}

const EDGE: &str = "edge.test";
const OTHER: &str = "other.test";

fn domain(text: &str) -> Domain {
    Domain::new(text).unwrap()
}

/// Where requests for `host` lead under `table`, and what is deployed there.
fn led(table: &RoutingTable, environment: Environment, host: &str) -> String {
    let request = request_for(host);
    let explained = table.explain(environment, &request, [127, 0, 0, 1].into());
    let led = explained.map(|why| why.map(|why| (why.subject, why.deployment, why.matched)));
    format!("{host}: {led:?}")
}

fn all_led(table: &RoutingTable) -> Vec<String> {
    let hosts = ["shop.test", "nobody.test"].map(str::to_owned).into_iter();
    let names = ["shop", "cart"].into_iter();
    let records =
        names.flat_map(|name| ["localhost", EDGE, OTHER].map(|it| format!("{name}.{it}")));
    let hosts: Vec<_> = hosts.chain(records).collect();
    let in_each = Environment::ALL.into_iter();
    in_each.flat_map(|it| hosts.iter().map(move |host| led(table, it, host))).collect()
}

fn variable(pick: usize) -> VariableKey {
    VariableKey::new(["A", "B", "C"][pick % 3]).unwrap()
}

/// A command, before it is known which versions exist.
#[derive(Debug, Clone)]
struct Wish {
    verb: u8,
    routine: bool,
    staging: bool,
    picks: (usize, usize),
    percent: u64,
}

impl Wish {
    /// Any command, about something that exists more often than not.
    fn command(&self, catalog: &Catalog) -> Command {
        let name = name(if self.routine { "shop" } else { "cart" });
        let environment = if self.staging { Staging } else { Production };
        let routine = catalog.routine(&name);
        let existing: Vec<_> =
            routine.iter().flat_map(|routine| routine.versions.keys().cloned()).collect();
        let pick = |pick: usize| match existing.get(pick % (existing.len() + 1)) {
            Some(existing) => existing.clone(),
            None => version(["1", "2", "v-3"][pick % 3]),
        };
        let (one, other) = (pick(self.picks.0), pick(self.picks.1));
        let upstream =
            self.percent.is_multiple_of(2).then(|| Upstream::new("http://a.test").unwrap());
        let description = ["", "upstream=http://b.test", "upstream=moon"][self.picks.0 % 3];
        let description = description.to_owned();
        match self.verb {
            0 => Command::CreateRoutine { name, description, has_assets: self.staging },
            1 => Command::ReviseRoutine {
                name,
                description: Some(description),
                sticky: self.staging.then(Sticky::default),
                cohort: None,
            },
            2 if self.percent > 60 => Command::DeleteRoutine { name },
            3 => Command::ReviseRoutine {
                name,
                description: None,
                sticky: Sticky::parse([["client-ip", "mint:id"][self.picks.0 % 2]]).ok(),
                cohort: None,
            },
            4 => Command::ReviseRoutine {
                name,
                description: None,
                sticky: None,
                cohort: Some(self.percent.to_string()),
            },
            5 => Command::StageCode {
                name,
                description,
                code: b"// @upstream unix:/run/a.sock".as_slice().into(),
            },
            6 => Command::CommitStagedCode {
                name,
                description: self.staging.then_some(description),
                deploy_env: Some(environment),
            },
            7 => Command::AddVersion {
                name,
                code_version: self.staging.then_some(one),
                description,
                upstream,
            },
            8 => Command::BindVersion { name, code_version: one, upstream },
            9 => Command::DeleteVersion { name, code_version: one },
            10 => Command::Rollback {
                name,
                environment,
                to: self.percent.is_multiple_of(2).then_some(DeploymentId(self.percent / 4)),
            },
            12..=14 => Command::Upload(self.upload(name, one, description)),
            15 | 16 => Command::Variables(self.variables(name, environment)),
            _ => Command::Deploy {
                name,
                environment,
                shares: if one == other {
                    Shares::whole(one)
                } else {
                    split(one.as_str(), other.as_str(), self.percent)
                },
            },
        }
    }

    /// Another config: with a shop, without some of its versions, or without anything.
    fn reload(&self) -> Reload {
        let mut shop = declared("shop");
        shop.versions.truncate(self.picks.1 % 3);
        shop.deployments.truncate(shop.versions.len() / 2);
        let settings = Settings {
            default_routine: self.routine.then(|| name("cart")),
            domains: [EDGE, OTHER][..self.picks.0 % 3].iter().map(|it| domain(it)).collect(),
            ..Settings::default()
        };
        let routines = if self.staging { vec![shop] } else { Vec::new() };
        Reload { settings, declared: routines.into() }
    }

    fn upload(&self, name: RoutineName, one: CodeVersion, description: String) -> UploadCommand {
        match self.verb {
            12 => UploadCommand::Begin {
                name,
                description,
                making: Making {
                    extra_info: "{}".to_owned(),
                    build_id: self.percent,
                    deploy_env: self.staging.then_some(Staging),
                    not_found_strategy: "404Page".to_owned(),
                    ..Making::default()
                },
            },
            13 => UploadCommand::Complete {
                name,
                code_version: one,
                code: self.staging.then(|| b"code".as_slice().into()),
                assets: Assets { files: 2, bytes: self.percent },
            },
            _ => UploadCommand::Fail { name, code_version: one },
        }
    }

    fn variables(&self, name: RoutineName, environment: Environment) -> VariableCommand {
        let (one, other) = (variable(self.picks.0), variable(self.picks.1));
        if self.verb == 15 {
            let plain = Variable::plain(&self.percent.to_string()).unwrap();
            let variables = vec![(one, plain), (other, Variable::SECRET)];
            VariableCommand::Set { name, environment, variables }
        } else {
            VariableCommand::Delete { name, environment, keys: vec![one, other] }
        }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let picks = (0..12_usize, 0..12_usize);
    (0..21_u8, prop::bool::weighted(0.7), any::<bool>(), picks, 1..=99_u64).prop_map(
        |(verb, routine, staging, picks, percent)| Wish { verb, routine, staging, picks, percent },
    )
}

fn wishes() -> impl Strategy<Value = Vec<Vec<Wish>>> {
    prop::collection::vec(prop::collection::vec(wish(), 1..6), 1..20)
}

/// Carries out the wishes, each list as one batch.
fn play(path: &Path, batches: &[Vec<Wish>]) -> ControlPlane {
    let Opened { mut plane, .. } = open(Store::open(path).unwrap(), vec![declared("shop")]);
    for batch in batches {
        let before = (plane.catalog.last_deployment, plane.catalog.last_minted);
        for wish in batch.iter().filter(|wish| wish.verb == 11) {
            plane.reload(wish.reload()).unwrap();
        }
        let catalog = plane.catalog.clone();
        let commands = batch.iter().map(|wish| wish.command(&catalog));
        let outcomes = tell(&mut plane, commands.collect());
        for outcome in outcomes {
            assert!(!matches!(outcome, Err(CommandError::Store(_))), "{outcome:?}");
        }
        assert!((plane.catalog.last_deployment, plane.catalog.last_minted) >= before);
    }
    plane
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reload_publishes_what_a_start_would_compile(batches in wishes(), last in wish()) {
        let folder = tempfile::tempdir().unwrap();
        let mut plane = play(&folder.path().join("serin.db"), &batches);
        let Reload { settings, declared } = last.reload();
        plane.reload(Reload { settings: settings.clone(), declared }).unwrap();
        let compiled = RoutingTable::compile(settings, &plane.catalog);
        plane.table.publish(|table| {
            assert_eq!(all_led(table), all_led(&compiled));
            table.clone()
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_that_is_opened_again_has_the_same_catalog(batches in wishes()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serin.db");
        let catalog = play(&path, &batches).catalog.clone();
        let again = Store::open(&path).unwrap().load().unwrap();
        prop_assert_eq!(all_of(&again), all_of(&catalog));
    }

    #[test]
    fn a_command_that_is_refused_changes_nothing(batches in wishes()) {
        let mut catalog = Catalog::default();
        for wish in batches.iter().flatten() {
            let before = all_of(&catalog);
            let command = wish.command(&catalog);
            if apply(&mut catalog, command, None, Timestamp(9)).is_err() {
                prop_assert_eq!(all_of(&catalog), before);
            }
        }
    }

    #[test]
    fn what_is_live_is_there(batches in wishes()) {
        let mut catalog = Catalog::default();
        for wish in batches.iter().flatten() {
            let command = wish.command(&catalog);
            let past = Some(Shares::whole(version("1")));
            drop(apply(&mut catalog, command, past, Timestamp(9)));
            for routine in catalog.routines.values() {
                prop_assert!(!catalog.deleted_routines.contains(&routine.name));
                for live in routine.live.iter().flatten() {
                    prop_assert_eq!(routine.missing(&live.shares), None);
                    for (version, _) in live.shares.iter() {
                        let status = routine.versions[version].status;
                        prop_assert_eq!(status, VersionStatus::Available);
                    }
                    prop_assert!(live.id.0 <= catalog.last_deployment);
                }
            }
        }
    }
}
