//! What may be asked of the control plane, already well-formed, and what it says.

use std::sync::Arc;

use super::app_command::{AppCommand, AppRefused};
use super::route_command::{NewRoute, RouteRevision};
use super::upload_command::UploadCommand;
use super::variable_command::VariableCommand;
use crate::model::{
    AccessKeyId, AppVersion, Catalog, CodeVersion, ConfigId, Deployment, DeploymentId, Domain,
    EdgeContainerApp, Environment, Movement, Publish, QuotaReached, Quotas, Record, RecordOwner,
    Routine, RoutineName, RoutineRoute, ScheduledPublish, Shares, SiteId, Sticky, Upstream,
    VariableKey, Version, VersionStatus,
};

/// A change that an operator asks for.
#[derive(Debug, Clone)]
pub enum Command {
    /// What is deployed or published at once thereby is kept with the key that asked.
    By(AccessKeyId, Box<Self>),
    App(AppCommand),
    Upload(UploadCommand),
    Variables(VariableCommand),
    CreateRoutine {
        name: RoutineName,
        description: String,
        has_assets: bool,
    },
    /// Changes what is given, all of it at once.
    ReviseRoutine {
        name: RoutineName,
        description: Option<String>,
        sticky: Option<Sticky>,
        cohort: Option<String>,
    },
    /// Withdraws it too where it is deployed.
    DeleteRoutine {
        name: RoutineName,
    },
    /// Fills the routine's one mutable slot.
    StageCode {
        name: RoutineName,
        description: String,
        code: Arc<[u8]>,
    },
    /// Freezes the slot into a new version, whose description is the one given
    /// here or else the slot's. It is made with the variables of `deploy_env`.
    CommitStagedCode {
        name: RoutineName,
        description: Option<String>,
        deploy_env: Option<Environment>,
    },
    /// Adds a version without code; a `None` version is minted.
    AddVersion {
        name: RoutineName,
        code_version: Option<CodeVersion>,
        description: String,
        upstream: Option<Upstream>,
    },
    /// Says where a version answers; `None` is the built-in backend.
    BindVersion {
        name: RoutineName,
        code_version: CodeVersion,
        upstream: Option<Upstream>,
    },
    DeleteVersion {
        name: RoutineName,
        code_version: CodeVersion,
    },
    /// All requests for `host` are the routine's from now on.
    AddRecord {
        name: RoutineName,
        host: Domain,
        site: SiteId,
    },
    DeleteRecord {
        name: RoutineName,
        host: Domain,
        site: SiteId,
        id: i64,
    },
    AddRoute(NewRoute),
    /// Changes what is given, all of it at once.
    ReviseRoute {
        site: SiteId,
        id: ConfigId,
        revision: RouteRevision,
    },
    /// With `of`, unless it leads to another routine.
    DeleteRoute {
        site: SiteId,
        id: ConfigId,
        of: Option<RoutineName>,
    },
    Deploy {
        name: RoutineName,
        environment: Environment,
        shares: Shares,
    },
    /// Deploys what an earlier deployment of this environment did: `to`, or the
    /// one right before the live one.
    Rollback {
        name: RoutineName,
        environment: Environment,
        to: Option<DeploymentId>,
    },
    /// Says what the API may make from now on. What is there stays, and nothing is stored.
    SetQuotas(Quotas),
}

impl Command {
    /// The same, asked for with `key`.
    #[must_use]
    pub fn by(self, key: Option<&AccessKeyId>) -> Self {
        match key {
            Some(key) => Self::By(key.clone(), Box::new(self)),
            None => self,
        }
    }

    /// What is to be done, whoever asked.
    pub(super) fn deed(&self) -> &Self {
        match self {
            Self::By(_, command) => command.deed(),
            command => command,
        }
    }
}

/// What whoever asks wants to be so, before a command of theirs changes anything; if it is
/// not, the answer says what is.
pub type Condition = Box<dyn FnOnce(&Catalog) -> Result<(), String> + Send>;

/// What came of a command.
#[derive(Debug, Clone)]
pub enum Reply {
    Done,
    /// The routine as it now is.
    Routine(Arc<Routine>),
    /// The version as it now is.
    Version(Arc<Version>),
    Deployed(Deployed),
    /// The record as it now is.
    Record(Arc<Record>),
    /// The route as it now is.
    Route(Arc<RoutineRoute>),
    /// The app as it now is.
    App(Arc<EdgeContainerApp>),
    /// The app's version as it now is.
    AppVersion(Arc<AppVersion>),
    Published(Arc<Publish>),
    Scheduled(Arc<ScheduledPublish>),
    /// The keys that were there, in the order asked.
    VariablesDeleted(Vec<VariableKey>),
}

/// A deployment that has become live.
#[derive(Debug, Clone)]
pub struct Deployed {
    pub deployment: Arc<Deployment>,
    /// What it replaced, and who moves; `None` for the first of its environment.
    pub replaced: Option<(Arc<Deployment>, Movement)>,
}

/// One line of an environment's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentRecord {
    pub deployment: Deployment,
    pub environment: Environment,
    /// The access key that asked for it, where there was one.
    pub by: Option<AccessKeyId>,
}

/// Why a command changes nothing. Each dialect has its own words for these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("routine `{0}` does not exist")]
    NoRoutine(RoutineName),
    #[error("routine `{0}` exists already")]
    RoutineExists(RoutineName),
    #[error("routine `{0}` has no code version `{1}`")]
    NoVersion(RoutineName, CodeVersion),
    #[error("routine `{0}` has code version `{1}` already")]
    VersionExists(RoutineName, CodeVersion),
    #[error("code version `{0}` is deployed in {1}: deploy another one there first")]
    VersionDeployed(CodeVersion, Environment),
    #[error(
        "code version `{0}` is `{status}` and cannot be deployed: upload its code and assets first",
        status = .1.as_str()
    )]
    NotAvailable(CodeVersion, VersionStatus),
    #[error("code version `{0}` is available already, and takes no other upload: make a new one")]
    AlreadyUploaded(CodeVersion),
    #[error("routine `{0}` has no uploaded code to commit: upload it first")]
    NothingStaged(RoutineName),
    #[error("routine `{0}` has no deployment in {1}")]
    NoDeployment(RoutineName, Environment),
    #[error("routine `{0}` has no deployment in {1} before the live one")]
    NoEarlierDeployment(RoutineName, Environment),
    #[error("routine `{0}` has no deployment {2} in {1}")]
    UnknownDeployment(RoutineName, Environment, DeploymentId),
    #[error("`{0}` is bound to {1} already")]
    HostTaken(Domain, RecordOwner),
    #[error("there is no site {0}: declare it as a `[[site]]` in the config")]
    NoSite(SiteId),
    #[error("`{1}` does not belong to site {0}, which is `{2}`")]
    ForeignHost(SiteId, Domain, Domain),
    #[error("routine `{0}` has no record `{1}` of that number and site")]
    NoRecord(RoutineName, Domain),
    #[error("site {0} has no route {1}")]
    NoRoute(SiteId, ConfigId),
    #[error("site {0} has {1} routes, and no more are taken")]
    RoutesFull(SiteId, usize),
    #[error(transparent)]
    QuotaReached(#[from] QuotaReached),
    #[error(transparent)]
    App(#[from] AppRefused),
    /// What the caller wanted to be so is not: what is, in words.
    #[error("{0}")]
    Unmet(String),
    /// A value that only the rules can judge: what is wrong, in words.
    #[error("{0}")]
    Invalid(String),
}
