//! The way to the control plane from other threads.

use tokio::sync::{mpsc, oneshot};

use super::app_command::PublishRecord;
use super::command::{Command, Condition, DeploymentRecord, Refused, Reply};
use super::rules::Warning;
use super::store::StoreError;
use crate::model::{AppId, Catalog, CodeVersion, Declared, Environment, RoutineName};
use crate::observe::Commits;
use crate::routing::Settings;

/// Commands and queries that may wait for the writer before callers wait to send.
const LETTERS_WAITING_MAX: usize = 1_024;

/// Why a command or a query failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("nothing was read or changed: {0}")]
    Store(std::sync::Arc<StoreError>),
    #[error("serin is stopping")]
    Stopped,
}

/// What the one writer is asked, and where its answer goes.
pub(super) enum Letter {
    Command(Command, oneshot::Sender<Result<Reply, CommandError>>),
    Conditional(Condition, Command, oneshot::Sender<Result<Reply, CommandError>>),
    Reload(Box<Reload>, oneshot::Sender<Result<Vec<Warning>, CommandError>>),
    Catalog(oneshot::Sender<Catalog>),
    Code(RoutineName, CodeVersion, oneshot::Sender<Result<Option<Vec<u8>>, CommandError>>),
    History(HistoryPage, oneshot::Sender<Result<Vec<DeploymentRecord>, CommandError>>),
    AppHistory(AppHistoryPage, oneshot::Sender<Result<Vec<PublishRecord>, CommandError>>),
}

/// A config that is to replace the one that is in effect.
pub(super) struct Reload {
    pub(super) settings: Settings,
    pub(super) declared: Declared,
}

/// Which part of a routine's history is asked for, newest first.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    pub name: RoutineName,
    /// `None` is both.
    pub environment: Option<Environment>,
    /// Deployments before this one; `None` starts at the newest.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Which part of an app's history is asked for, newest first.
#[derive(Debug, Clone)]
pub struct AppHistoryPage {
    pub id: AppId,
    /// `None` is both.
    pub environment: Option<Environment>,
    /// Publishes before this one; `None` starts at the newest.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Asks the one writer. Cheap to clone.
///
/// Reads go the same way as changes, so that an operator reads what was just
/// written.
#[derive(Debug, Clone)]
pub struct ControlHandle {
    writer: mpsc::Sender<Letter>,
    commits: Commits,
}

pub(super) fn channel(commits: Commits) -> (ControlHandle, mpsc::Receiver<Letter>) {
    let (writer, inbox) = mpsc::channel(LETTERS_WAITING_MAX);
    (ControlHandle { writer, commits }, inbox)
}

impl ControlHandle {
    /// What the one writer has done, without asking it.
    pub const fn commits(&self) -> &Commits {
        &self.commits
    }

    /// Carries out `command`, to its end even when the caller goes away.
    pub async fn execute(&self, command: Command) -> Result<Reply, CommandError> {
        self.ask(|answer| Letter::Command(command, answer)).await?
    }

    /// The same if `condition` holds of the catalog that `command` would be carried out
    /// on: no other change comes between.
    pub async fn execute_if(
        &self,
        condition: Condition,
        command: Command,
    ) -> Result<Reply, CommandError> {
        self.ask(|answer| Letter::Conditional(condition, command, answer)).await?
    }

    /// Makes another config the one in effect, as a start would, and in one swap: what
    /// it declares, and the settings of the table. Where it and the store disagree.
    pub async fn reload(
        &self,
        settings: Settings,
        declared: Declared,
    ) -> Result<Vec<Warning>, CommandError> {
        let reload = Box::new(Reload { settings, declared });
        self.ask(|answer| Letter::Reload(reload, answer)).await?
    }

    /// The catalog after everything that was answered before.
    pub async fn catalog(&self) -> Result<Catalog, CommandError> {
        self.ask(Letter::Catalog).await
    }

    /// The code of a version; `None` when it was made without one.
    pub async fn code(
        &self,
        name: RoutineName,
        code_version: CodeVersion,
    ) -> Result<Option<Vec<u8>>, CommandError> {
        self.ask(|answer| Letter::Code(name, code_version, answer)).await?
    }

    /// Deployments of a routine, newest first, those of a deleted one too.
    pub async fn history(&self, page: HistoryPage) -> Result<Vec<DeploymentRecord>, CommandError> {
        self.ask(|answer| Letter::History(page, answer)).await?
    }

    /// Publishes of an app, newest first, those of a deleted one too.
    pub async fn app_history(
        &self,
        page: AppHistoryPage,
    ) -> Result<Vec<PublishRecord>, CommandError> {
        self.ask(|answer| Letter::AppHistory(page, answer)).await?
    }

    async fn ask<T>(
        &self,
        letter: impl FnOnce(oneshot::Sender<T>) -> Letter,
    ) -> Result<T, CommandError> {
        let (answer, reply) = oneshot::channel();
        self.writer.send(letter(answer)).await.map_err(|_| CommandError::Stopped)?;
        reply.await.map_err(|_| CommandError::Stopped)
    }
}
