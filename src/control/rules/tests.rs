//! The rules, as sentences.

use super::*;
use crate::control::command::Deployed;
use crate::control::{UploadCommand, VariableCommand};
use crate::model::{
    AccessKeyId, CodeVersion, DeclaredDeployment, DeclaredRoutine, DeclaredVersion, DeploymentId,
    Environment, Making, Origin, Percent, Route, Sticky, Timestamp, Upstream, Variable,
    VariableKey, Version, VersionStatus,
};
use Environment::{Production, Staging};

/// A catalog, a clock that a test sets, and the words of an operator.
#[derive(Default)]
struct Desk {
    catalog: Catalog,
    now: i64,
}

impl Desk {
    /// With routine `shop`, which has versions `1` and `2`.
    fn with_shop() -> Self {
        let mut desk = Self::default();
        desk.create("shop").unwrap();
        desk.add("shop", "1").unwrap();
        desk.add("shop", "2").unwrap();
        desk
    }

    fn tell(&mut self, command: Command) -> Result<Applied, Refused> {
        apply(&mut self.catalog, command, None, Timestamp(self.now))
    }

    fn create(&mut self, routine: &str) -> Result<Applied, Refused> {
        self.tell(Command::CreateRoutine {
            name: name(routine),
            description: "made by hand".to_owned(),
            has_assets: true,
        })
    }

    fn delete(&mut self, routine: &str) -> Result<Applied, Refused> {
        let name = name(routine);
        self.tell(Command::DeleteRoutine { name })
    }

    fn revise(
        &mut self,
        description: Option<&str>,
        sticky: Option<&Sticky>,
        cohort: Option<&str>,
    ) -> Result<Applied, Refused> {
        self.tell(Command::ReviseRoutine {
            name: name("shop"),
            description: description.map(str::to_owned),
            sticky: sticky.cloned(),
            cohort: cohort.map(str::to_owned),
        })
    }

    fn add(&mut self, routine: &str, code_version: &str) -> Result<Applied, Refused> {
        self.tell(Command::AddVersion {
            name: name(routine),
            code_version: Some(version(code_version)),
            description: String::new(),
            upstream: None,
        })
    }

    fn bind(&mut self, code_version: &str, upstream: &str) -> Result<Applied, Refused> {
        self.tell(Command::BindVersion {
            name: name("shop"),
            code_version: version(code_version),
            upstream: Some(Upstream::new(upstream).unwrap()),
        })
    }

    fn delete_version(&mut self, code_version: &str) -> Result<Applied, Refused> {
        self.tell(Command::DeleteVersion {
            name: name("shop"),
            code_version: version(code_version),
        })
    }

    fn stage(&mut self, description: &str, code: &[u8]) -> Result<Applied, Refused> {
        self.tell(Command::StageCode {
            name: name("shop"),
            description: description.to_owned(),
            code: code.into(),
        })
    }

    fn set_secret(&mut self, key: &str) -> Result<Applied, Refused> {
        self.tell(Command::Variables(VariableCommand::Set {
            name: name("shop"),
            environment: Staging,
            variables: vec![(VariableKey::new(key).unwrap(), Variable::SECRET)],
        }))
    }

    /// A version that waits for its upload.
    fn begin(&mut self) -> Arc<Version> {
        let command = UploadCommand::Begin {
            name: name("shop"),
            description: String::new(),
            making: Making { deploy_env: Some(Staging), ..Making::default() },
        };
        match self.tell(Command::Upload(command)).unwrap().reply {
            Reply::Version(version) => version,
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, description: Option<&str>) -> Result<Arc<Version>, Refused> {
        let command = Command::CommitStagedCode {
            name: name("shop"),
            description: description.map(str::to_owned),
            deploy_env: Some(Staging),
        };
        match self.tell(command)?.reply {
            Reply::Version(version) => Ok(version),
            other => panic!("{other:?}"),
        }
    }

    fn mint(&mut self) -> Arc<Version> {
        let command = Command::AddVersion {
            name: name("shop"),
            code_version: None,
            description: String::new(),
            upstream: None,
        };
        match self.tell(command).unwrap().reply {
            Reply::Version(version) => version,
            other => panic!("{other:?}"),
        }
    }

    fn deploy(&mut self, environment: Environment, text: &str) -> Result<Deployed, Refused> {
        let command = Command::Deploy { name: name("shop"), environment, shares: shares(text) };
        Ok(deployed(self.tell(command)?))
    }

    fn roll_back(&mut self, to: Option<u64>, past: Option<&str>) -> Result<Deployed, Refused> {
        let command = Command::Rollback {
            name: name("shop"),
            environment: Production,
            to: to.map(DeploymentId),
        };
        let (past, now) = (past.map(shares), Timestamp(self.now));
        apply(&mut self.catalog, command, past, now).map(deployed)
    }

    fn declare(&mut self, routines: &[DeclaredRoutine]) -> Declaring {
        let now = Timestamp(self.now);
        let (changes, warnings) = declare(&mut self.catalog, routines.to_vec().into(), now);
        Declaring { changes, warnings }
    }

    fn shop(&self) -> &Routine {
        self.catalog.routine(&name("shop")).unwrap()
    }

    fn has(&self, code_version: &str) -> bool {
        self.shop().versions.contains_key(code_version)
    }

    /// The live shares, as [`shares`] reads them.
    fn live(&self, environment: Environment) -> Option<Shares> {
        let live = self.shop().deployment(environment)?;
        Some(live.shares.clone())
    }
}

/// What came of a declaration.
struct Declaring {
    changes: Vec<Change>,
    warnings: Vec<Warning>,
}

fn deployed(applied: Applied) -> Deployed {
    match applied.reply {
        Reply::Deployed(deployed) => deployed,
        other => panic!("{other:?}"),
    }
}

fn name(text: &str) -> RoutineName {
    RoutineName::new(text).unwrap()
}

fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).unwrap()
}

/// `1@90 2@10`, or `1` for all of it.
fn shares(text: &str) -> Shares {
    let shares = text.split(' ').map(|share| {
        let (code_version, percent) = share.split_once('@').unwrap_or((share, "100"));
        let percent = Percent::new(percent.parse().unwrap()).unwrap();
        (version(code_version), percent)
    });
    Shares::new(shares.collect()).unwrap()
}

/// Routine `shop` with versions `1` and `2`, and the deployments that are given.
fn shop(deployments: &[(Environment, &str)]) -> DeclaredRoutine {
    DeclaredRoutine {
        name: name("shop"),
        routes: vec![Route::new("shop.test/*").unwrap()],
        sticky: None,
        cohort: None,
        versions: vec![declared_version("1"), declared_version("2")],
        deployments: deployments
            .iter()
            .map(|&(environment, text)| DeclaredDeployment { environment, shares: shares(text) })
            .collect(),
    }
}

fn declared_version(text: &str) -> DeclaredVersion {
    DeclaredVersion { code_version: version(text), upstream: None }
}

fn refusal<T>(outcome: Result<T, Refused>) -> Refused {
    match outcome {
        Ok(_) => panic!("it was allowed"),
        Err(refused) => refused,
    }
}

#[test]
fn a_routine_is_made_once() {
    let mut desk = Desk::default();
    assert!(desk.create("shop").is_ok());
    assert_eq!(refusal(desk.create("shop")), Refused::RoutineExists(name("shop")));
}

#[test]
fn a_routine_that_does_not_exist_takes_no_command() {
    let none = || Refused::NoRoutine(name("shop"));
    let mut desk = Desk::default();
    assert_eq!(refusal(desk.delete("shop")), none());
    assert_eq!(refusal(desk.add("shop", "1")), none());
    assert_eq!(refusal(desk.bind("1", "http://a.test")), none());
    assert_eq!(refusal(desk.delete_version("1")), none());
    assert_eq!(refusal(desk.stage("", b"")), none());
    assert_eq!(refusal(desk.commit(None)), none());
    assert_eq!(refusal(desk.deploy(Staging, "1")), none());
    assert_eq!(refusal(desk.roll_back(None, None)), none());
    assert_eq!(refusal(desk.roll_back(Some(1), Some("1"))), none());
    assert_eq!(refusal(desk.revise(None, None, None)), none());
}

#[test]
fn a_routine_is_what_was_said_of_it_last() {
    let mut desk = Desk::with_shop();
    let sticky = Sticky::parse(["client-ip"]).unwrap();
    desk.revise(Some("the shop"), None, Some("a")).unwrap();
    let applied = desk.revise(None, Some(&sticky), Some("b")).unwrap();
    assert!(matches!(applied.reply, Reply::Routine(now) if *now == *desk.shop()));
    let shop = desk.shop();
    assert_eq!(shop.description, "the shop");
    assert_eq!(shop.sticky, sticky);
    assert_eq!(shop.cohort, "b");
    assert!(shop.has_assets);
}

#[test]
fn a_version_is_added_once_and_bound_at_will() {
    let mut desk = Desk::with_shop();
    let (shop, nine) = (name("shop"), version("9"));
    assert_eq!(refusal(desk.add("shop", "1")), Refused::VersionExists(shop.clone(), version("1")));
    assert_eq!(
        refusal(desk.bind("9", "http://a.test")),
        Refused::NoVersion(shop.clone(), nine.clone())
    );
    assert_eq!(refusal(desk.delete_version("9")), Refused::NoVersion(shop, nine));
    desk.bind("1", "http://a.test").unwrap();
    let bound = &desk.shop().versions["1"].upstream;
    assert_eq!(bound.as_ref().unwrap().as_str(), "http://a.test");
}

#[test]
fn a_version_that_serves_is_not_deleted() {
    let mut desk = Desk::with_shop();
    desk.deploy(Production, "1@90 2@10").unwrap();
    for served in ["1", "2"] {
        assert_eq!(
            refusal(desk.delete_version(served)),
            Refused::VersionDeployed(version(served), Production)
        );
    }
    desk.deploy(Production, "2").unwrap();
    assert!(desk.delete_version("1").is_ok());
    assert!(!desk.has("1"));
}

#[test]
fn a_deployment_names_versions_that_exist() {
    let mut desk = Desk::with_shop();
    assert_eq!(
        refusal(desk.deploy(Production, "1@90 9@10")),
        Refused::NoVersion(name("shop"), version("9"))
    );
    assert_eq!(desk.live(Production), None);
    assert_eq!(desk.catalog.last_deployment, 0);
}

#[test]
fn a_deployment_says_what_it_replaced_and_who_moves() {
    let mut desk = Desk::with_shop();
    let first = desk.deploy(Production, "1@90 2@10").unwrap();
    assert_eq!(first.deployment.id, DeploymentId(1));
    assert!(first.replaced.is_none());

    let elsewhere = desk.deploy(Staging, "2").unwrap();
    assert_eq!(elsewhere.deployment.id, DeploymentId(2));
    assert!(elsewhere.replaced.is_none());

    let ramp = desk.deploy(Production, "2@30 1@70").unwrap();
    let (was, movement) = ramp.replaced.unwrap();
    assert_eq!(was.id, DeploymentId(1));
    assert_eq!((movement.basis_points(), movement.exact), (2_000, true));
    assert_eq!(desk.live(Staging), Some(shares("2")));
}

#[test]
fn a_deleted_routine_is_withdrawn_and_starts_empty_when_it_is_made_again() {
    let mut desk = Desk::with_shop();
    desk.deploy(Production, "1").unwrap();
    desk.stage("", b"code").unwrap();
    desk.delete("shop").unwrap();
    assert!(desk.catalog.routine(&name("shop")).is_none());

    desk.create("shop").unwrap();
    let shop = desk.shop();
    assert!(shop.versions.is_empty());
    assert!(shop.staged.is_none());
    assert_eq!(shop.live, [None, None]);
    desk.add("shop", "1").unwrap();
    let next = desk.deploy(Production, "1").unwrap();
    assert_eq!(next.deployment.id, DeploymentId(2));
}

#[test]
fn minted_versions_ascend_whatever_the_clock_does() {
    let mut desk = Desk::with_shop();
    let mut last = None;
    for now in [
        1_710_120_201_067_203_242,
        1_710_120_201_067_203_242,
        5,
        i64::MIN,
        1_710_120_201_067_203_250,
    ] {
        desk.now = now;
        let minted = desk.mint();
        assert_eq!(minted.code_version.as_str().len(), 19);
        assert_eq!(minted.code_version.as_str(), format!("{:019}", minted.created.0));
        if let Some(last) = last.replace(minted.code_version.clone()) {
            assert!(minted.code_version.is_newer_than(&last), "{minted:?}");
        }
    }
    assert_eq!(desk.catalog.last_minted, 1_710_120_201_067_203_250);
}

#[test]
fn what_is_minted_was_never_another_version() {
    let mut desk = Desk::with_shop();
    desk.now = 1_710_120_201_067_203_242;
    desk.add("shop", "1710120201067203242").unwrap();
    desk.add("shop", "1710120201067203243").unwrap();
    desk.delete_version("1710120201067203243").unwrap();
    let minted = desk.mint().code_version.clone();
    assert_eq!(minted.as_str(), "1710120201067203244");
}

#[test]
fn minting_ends_where_the_numbers_do() {
    let mut desk = Desk::with_shop();
    desk.now = i64::MAX;
    assert_eq!(desk.mint().code_version.as_str(), "9223372036854775807");
    desk.stage("", b"").unwrap();
    assert!(matches!(refusal(desk.commit(None)), Refused::Invalid(_)));
}

#[test]
fn code_is_committed_after_it_was_uploaded_and_again() {
    let mut desk = Desk::with_shop();
    assert_eq!(refusal(desk.commit(None)), Refused::NothingStaged(name("shop")));
    desk.stage("the upload", b"code").unwrap();
    let first = desk.commit(None).unwrap();
    let second = desk.commit(Some("the commit")).unwrap();
    assert_eq!(first.description, "the upload");
    assert_eq!(second.description, "the commit");
    assert!(second.code_version.is_newer_than(&first.code_version));
}

#[test]
fn the_commit_says_where_a_version_answers_before_the_upload_and_the_code() {
    let code = b"// @upstream http://code.test\nexport {}";
    let upstream = |version: &Version| version.upstream.as_ref().unwrap().to_string();
    let mut desk = Desk::with_shop();

    desk.stage("plain", code).unwrap();
    let from_code = desk.commit(Some("plain")).unwrap();
    assert_eq!(upstream(&from_code), "http://code.test");

    desk.stage("upstream=http://upload.test", code).unwrap();
    let from_upload = desk.commit(Some("plain")).unwrap();
    assert_eq!(upstream(&from_upload), "http://upload.test");

    let from_commit = desk.commit(Some("fast upstream=http://commit.test"));
    assert_eq!(upstream(&from_commit.unwrap()), "http://commit.test");
}

#[test]
fn code_is_refused_when_it_is_too_large_or_names_no_upstream() {
    let mut desk = Desk::with_shop();
    let largest = vec![b' '; CODE_MAX_BYTES];
    assert!(desk.stage("", &largest).is_ok());
    let larger = [&largest[..], b" "].concat();
    for refused in [
        refusal(desk.stage("", &larger)),
        refusal(desk.stage("upstream=nowhere", b"")),
        refusal(desk.stage("", b"// @upstream nowhere")),
        refusal(desk.commit(Some("upstream=nowhere"))),
    ] {
        assert!(matches!(refused, Refused::Invalid(_)), "{refused:?}");
    }
    assert_eq!(desk.catalog.last_minted, 0);
}

#[test]
fn a_rollback_deploys_anew_what_was_deployed() {
    let mut desk = Desk::with_shop();
    desk.deploy(Production, "1").unwrap();
    desk.deploy(Production, "2").unwrap();
    let back = desk.roll_back(None, Some("1")).unwrap();
    assert_eq!(back.deployment.id, DeploymentId(3));
    assert_eq!(back.replaced.unwrap().0.id, DeploymentId(2));
    assert_eq!(desk.live(Production), Some(shares("1")));
}

#[test]
fn a_rollback_needs_something_to_go_back_to() {
    let (mut desk, shop) = (Desk::with_shop(), name("shop"));
    assert_eq!(
        refusal(desk.roll_back(None, None)),
        Refused::NoDeployment(shop.clone(), Production)
    );
    desk.deploy(Production, "1").unwrap();
    assert_eq!(
        refusal(desk.roll_back(None, None)),
        Refused::NoEarlierDeployment(shop.clone(), Production)
    );
    assert_eq!(
        refusal(desk.roll_back(Some(7), None)),
        Refused::UnknownDeployment(shop.clone(), Production, DeploymentId(7))
    );
    assert_eq!(refusal(desk.roll_back(Some(1), Some("9"))), Refused::NoVersion(shop, version("9")));
}

#[test]
fn the_config_makes_what_it_declares() {
    let mut desk = Desk { now: 7, ..Desk::default() };
    let mut declared = shop(&[(Production, "1@90 2@10"), (Staging, "2")]);
    declared.cohort = Some("b".to_owned());
    declared.versions[0].upstream = Some(Upstream::new("http://a.test").unwrap());
    let applied = desk.declare(std::slice::from_ref(&declared));
    assert!(applied.warnings.is_empty());

    let shop = desk.shop();
    assert_eq!(shop.origin, Origin::Config);
    assert_eq!(shop.routes, declared.routes);
    assert_eq!((&shop.sticky, shop.cohort.as_str()), (&Sticky::default(), "b"));
    assert_eq!(shop.versions["1"].upstream, declared.versions[0].upstream);
    assert!(shop.versions.values().all(|version| version.origin == Origin::Config));
    let live = shop.deployment(Production).unwrap();
    assert_eq!((live.id, live.created), (DeploymentId(1), Timestamp(7)));
    assert_eq!(shop.deployment(Staging).unwrap().id, DeploymentId(2));
}

#[test]
fn the_same_config_changes_nothing_the_second_time() {
    let mut desk = Desk::default();
    let config = [shop(&[(Production, "1@90 2@10")])];
    assert!(!desk.declare(&config).changes.is_empty());
    desk.now = 9;
    assert_eq!(desk.declare(&config).changes, []);
    desk.deploy(Production, "2").unwrap();
    desk.mint();
    assert_eq!(desk.declare(&config).changes, []);
}

#[test]
fn the_config_owns_the_shape_and_the_store_the_deployments() {
    let mut desk = Desk::default();
    let mut config = [shop(&[(Production, "1")])];
    desk.declare(&config);
    desk.deploy(Production, "2").unwrap();
    desk.add("shop", "3").unwrap();
    config[0].routes.clear();
    desk.declare(&config);
    assert_eq!(desk.live(Production), Some(shares("2")));
    assert!(desk.has("3"));
    assert!(desk.shop().routes.is_empty());
}

#[test]
fn what_the_config_writes_holds_and_what_it_leaves_out_is_the_apis() {
    let (by_api, by_config) =
        (Sticky::parse(["client-ip"]).unwrap(), Sticky::parse(["header:a"]).unwrap());
    let upstream = |url| Some(Upstream::new(url).unwrap());
    let mut desk = Desk::default();
    let silent = shop(&[]);
    let mut outspoken = silent.clone();
    outspoken.sticky = Some(by_config.clone());
    outspoken.cohort = Some("config".to_owned());
    outspoken.versions[0].upstream = upstream("http://config.test");
    desk.declare(std::slice::from_ref(&silent));
    desk.revise(None, Some(&by_api), Some("api")).unwrap();
    desk.bind("1", "http://api.test").unwrap();

    // It was never written: the API's stays.
    assert_eq!(desk.declare(std::slice::from_ref(&silent)).changes, []);
    assert_eq!((&desk.shop().sticky, &*desk.shop().cohort), (&by_api, "api"));
    assert_eq!(desk.shop().versions["1"].upstream, upstream("http://api.test"));

    // It is written now, and says what it replaces; the second time there is nothing.
    let replaced = [
        Warning::SettingReplaced(name("shop"), "sticky list"),
        Warning::SettingReplaced(name("shop"), "cohort"),
        Warning::UpstreamReplaced(name("shop"), version("1")),
    ];
    assert_eq!(desk.declare(std::slice::from_ref(&outspoken)).warnings, replaced);
    assert_eq!((&desk.shop().sticky, &*desk.shop().cohort), (&by_config, "config"));
    assert_eq!(desk.shop().versions["1"].upstream, upstream("http://config.test"));
    assert_eq!(desk.declare(std::slice::from_ref(&outspoken)).changes, []);

    // What the API sets beside it lasts until the next start.
    desk.bind("1", "http://api.test").unwrap();
    desk.revise(None, None, Some("api")).unwrap();
    let warnings = desk.declare(std::slice::from_ref(&outspoken)).warnings;
    assert_eq!(warnings, replaced[1..]);

    // It was written and is no longer: back to the defaults.
    let applied = desk.declare(std::slice::from_ref(&silent));
    assert_eq!(applied.warnings, []);
    assert_eq!((&desk.shop().sticky, &*desk.shop().cohort), (&Sticky::default(), ""));
    assert_eq!(desk.shop().versions["1"].upstream, None);
}

#[test]
fn what_the_api_made_goes_back_to_it_when_the_config_forgets_it() {
    let mut desk = Desk::with_shop();
    desk.stage("", b"code").unwrap();
    desk.commit(None).unwrap();
    let before = desk.shop().clone();
    let code_version = before.versions_newest_first()[0].code_version.clone();
    let mut declared = shop(&[]);
    declared.versions.push(DeclaredVersion { code_version, upstream: None });
    desk.declare(&[declared.clone()]);
    assert!(desk.shop().versions.values().all(|version| version.origin == Origin::Adopted));

    declared.versions.clear();
    assert_eq!(desk.declare(&[declared]).warnings, []);
    assert_eq!(desk.shop().versions, before.versions);
    let warnings = desk.declare(&[]).warnings;
    assert_eq!(warnings, [Warning::RoutineKept(name("shop"))]);
    assert_eq!(*desk.shop(), before);
}

#[test]
fn what_was_deleted_through_the_api_stays_deleted() {
    let mut desk = Desk::default();
    let config = [shop(&[(Production, "1"), (Staging, "2")])];
    desk.declare(&[DeclaredRoutine { deployments: Vec::new(), ..config[0].clone() }]);
    desk.delete_version("2").unwrap();
    let warnings = desk.declare(&config).warnings;
    assert!(!desk.has("2"));
    assert_eq!(
        warnings,
        [
            Warning::VersionDeleted(name("shop"), version("2")),
            Warning::DeploymentLeftOut(name("shop"), Staging, version("2")),
        ]
    );
    assert_eq!(desk.live(Production), Some(shares("1")));
    assert_eq!(desk.live(Staging), None);

    desk.delete("shop").unwrap();
    let applied = desk.declare(&config);
    assert_eq!(applied.warnings, [Warning::RoutineDeleted(name("shop"))]);
    assert_eq!(applied.changes, []);
    assert!(desk.catalog.routine(&name("shop")).is_none());
}

#[test]
fn a_routine_made_again_gets_back_what_is_declared_but_no_deployment() {
    let mut desk = Desk::default();
    let config = [shop(&[(Production, "1"), (Staging, "1")])];
    desk.declare(&[shop(&[(Production, "1")])]);
    desk.delete_version("2").unwrap();
    desk.delete("shop").unwrap();
    desk.create("shop").unwrap();
    assert_eq!(desk.shop().origin, Origin::Api);
    desk.declare(&config);
    assert_eq!(desk.shop().origin, Origin::Adopted);
    assert!(desk.has("1") && desk.has("2"));
    assert_eq!(desk.live(Production), None);
    assert_eq!(desk.live(Staging), Some(shares("1")));
}

#[test]
fn a_deleted_version_comes_back_when_it_is_added() {
    let mut desk = Desk::default();
    let config = [shop(&[])];
    desk.declare(&config);
    desk.delete_version("2").unwrap();
    desk.add("shop", "2").unwrap();
    assert_eq!(desk.shop().versions["2"].origin, Origin::Api);
    desk.declare(&config);
    assert_eq!(desk.shop().versions["2"].origin, Origin::Adopted);
}

#[test]
fn a_version_that_is_declared_waits_for_no_upload() {
    let mut desk = Desk::with_shop();
    let waiting = desk.begin();
    let named = waiting.code_version.as_str();
    assert!(desk.deploy(Production, named).is_err());
    let declared = DeclaredRoutine {
        versions: vec![declared_version(named)],
        deployments: vec![DeclaredDeployment { environment: Production, shares: shares(named) }],
        ..shop(&[])
    };
    desk.declare(&[declared]);
    assert_eq!(desk.shop().versions[named].status, VersionStatus::Available);
    assert_eq!(desk.live(Production), Some(shares(named)));
}

#[test]
fn a_version_knows_whether_there_were_variables_when_it_was_made() {
    let mut desk = Desk::with_shop();
    desk.stage("", b"code").unwrap();
    let made = |version: Arc<Version>| (version.making.deploy_env, version.making.has_variables);
    assert_eq!(made(desk.commit(None).unwrap()), (Some(Staging), false));
    assert_eq!(made(desk.begin()), (Some(Staging), false));
    desk.set_secret("KEY").unwrap();
    assert_eq!(made(desk.commit(None).unwrap()), (Some(Staging), true));
    assert_eq!(made(desk.begin()), (Some(Staging), true));
    assert_eq!(made(desk.mint()), (None, false));
}

#[test]
fn a_version_that_is_no_longer_declared_goes_unless_it_serves() {
    let mut desk = Desk::default();
    desk.declare(&[shop(&[(Production, "1@90 2@10")])]);
    desk.deploy(Production, "2").unwrap();
    desk.add("shop", "3").unwrap();
    let none = [DeclaredRoutine { versions: Vec::new(), ..shop(&[]) }];
    let warnings = desk.declare(&none).warnings;
    let kept = Warning::VersionKept(name("shop"), version("2"), Production);
    assert_eq!(warnings, [Warning::VersionRemoved(name("shop"), version("1")), kept]);
    assert!(!desk.has("1"));
    assert!(desk.has("3"));
    assert_eq!(desk.shop().versions["2"].origin, Origin::Api);
    assert_eq!(desk.live(Production), Some(shares("2")));
    assert_eq!(desk.declare(&none).changes, []);
}

#[test]
fn a_routine_that_is_no_longer_declared_goes_unless_it_is_in_use() {
    let mut desk = Desk::default();
    desk.create("mine").unwrap();
    desk.declare(&[shop(&[])]);
    let warnings = desk.declare(&[]).warnings;
    assert_eq!(warnings, [Warning::RoutineRemoved(name("shop"))]);
    assert!(desk.catalog.routine(&name("shop")).is_none());
    assert!(desk.catalog.routine(&name("mine")).is_some());
}

#[test]
fn a_routine_that_is_live_or_holds_what_the_api_made_stays_without_its_routes() {
    type Use = fn(&mut Desk);
    let uses: [Use; 4] = [
        |desk| drop(desk.deploy(Production, "1").unwrap()),
        |desk| drop(desk.add("shop", "3").unwrap()),
        |desk| drop(desk.stage("", b"code").unwrap()),
        |desk| drop(desk.set_secret("KEY").unwrap()),
    ];
    for put_to_use in uses {
        let mut desk = Desk::default();
        let routes = vec![Route::new("shop.test/*").unwrap()];
        let declared = DeclaredRoutine { routes, ..shop(&[]) };
        desk.declare(std::slice::from_ref(&declared));
        put_to_use(&mut desk);
        let before = desk.shop().clone();

        let warnings = desk.declare(&[]).warnings;
        assert_eq!(warnings, [Warning::RoutineKept(name("shop"))]);
        let kept = Routine { origin: Origin::Api, routes: Vec::new(), ..before.clone() };
        assert_eq!(*desk.shop(), kept);
        assert_eq!(desk.declare(&[]).changes, []);

        desk.declare(&[declared]);
        assert_eq!(*desk.shop(), Routine { origin: Origin::Adopted, ..before });
    }
}

#[test]
fn who_asked_is_kept_of_what_becomes_live_and_of_nothing_else() {
    let mut desk = Desk::with_shop();
    let boss = AccessKeyId::new("boss").unwrap();
    let deploy =
        Command::Deploy { name: name("shop"), environment: Staging, shares: shares("1@100") };
    let applied = desk.tell(deploy.by(Some(&boss))).unwrap();
    assert!(applied.changes.contains(&Change::By(DeploymentId(1), boss.clone())));
    let delete = Command::DeleteRoutine { name: name("shop") };
    let applied = desk.tell(delete.by(Some(&boss))).unwrap();
    assert!(applied.changes.iter().all(|change| !matches!(change, Change::By(..))));
}
