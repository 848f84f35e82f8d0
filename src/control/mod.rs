//! The control plane: the one writer. A change is applied, stored, compiled,
//! published and then answered, in that order.

mod app_change;
mod app_command;
mod change;
mod command;
mod consequence;
mod handle;
mod moved;
mod route_command;
mod rules;
mod schedule;
mod store;
mod upload_command;
mod variable_command;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub use app_change::AppChange;
pub use app_command::{AppCommand, AppRefused, NewApp, NewAppVersion, PublishRecord};
pub use change::Change;
pub use command::{Command, Condition, Deployed, DeploymentRecord, Refused, Reply};
pub use consequence::{
    Amount, Consequence, Danger, HEAVIEST_NAMED, HEAVY_KEY_PERCENT, Heavy, KEYLESS_PERCENT, Load,
    Move, NEEDLESS_POINTS, Overlap, UNEVEN_POINTS, UNEVEN_TIMES, USERS_TOLD_MIN, User, VersionLoad,
    Weighing, Who, last_canary,
};
pub use handle::{AppHistoryPage, CommandError, ControlHandle, HistoryPage};
pub use route_command::{NewRoute, RouteRevision, WrittenRule};
pub use rules::{Applied, CODE_MAX_BYTES, VARIABLES_MAX, Warning, apply};
pub use store::{Store, StoreError};
pub use upload_command::UploadCommand;
pub use variable_command::VariableCommand;

use crate::model::{Catalog, Declared, DeploymentId, Environment, RoutineName, Shares, Timestamp};
use crate::routing::{RoutingTable, Settings, TableReader, TableWriter, published};
use handle::{Letter, Reload};
use moved::Moved;
use schedule::{Received, Sleeper};

/// Commands that may share a commit.
const BATCH_MAX: usize = 256;

/// The one writer.
///
/// Commands run one at a time, each to its end even when the caller hangs up: a
/// change that was stored but never published would be a lie. Those that wait
/// share a commit.
pub struct ControlPlane {
    /// What is stored and published.
    catalog: Catalog,
    store: Store,
    table: TableWriter,
    inbox: mpsc::Receiver<Letter>,
    clock: Box<dyn Fn() -> Timestamp + Send>,
}

/// A control plane that has what the store and the config say, and does not run yet.
pub struct Opened {
    pub plane: ControlPlane,
    pub handle: ControlHandle,
    pub table: TableReader,
    /// Where the config and the store disagree.
    pub warnings: Vec<Warning>,
}

/// Commands that were applied, or refused, and wait for their commit.
struct Batch {
    /// The catalog as it is when the commit succeeds.
    catalog: Catalog,
    changes: Vec<Change>,
    answers: Vec<Answered>,
}

/// What a command of a batch came to.
struct Answered {
    answer: Answer,
    outcome: Result<Reply, Refused>,
    /// Whether it was judged by changes that are not stored yet.
    provisional: bool,
}

type Answer = oneshot::Sender<Result<Reply, CommandError>>;

impl ControlPlane {
    /// Takes up what `store` has and what the config declares, stored and compiled.
    pub fn open(
        mut store: Store,
        settings: Settings,
        declared: impl Into<Declared>,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Opened, StoreError> {
        let (mut catalog, now) = (store.load()?, clock());
        let (mut changes, warnings) = rules::declare(&mut catalog, declared.into(), now);
        // What became due while nobody served.
        changes.extend(rules::take_up_due(&mut catalog, now));
        store.save(&changes)?;
        let (table, reader) = published(RoutingTable::compile(settings, &catalog));
        let (handle, inbox) = handle::channel(store.commits().clone());
        let plane = Self { catalog, store, table, inbox, clock: Box::new(clock) };
        Ok(Opened { plane, handle, table: reader, warnings })
    }

    /// What is stored and published.
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Serves until every handle is gone. It blocks, on the inbox and on the disk:
    /// give it a thread of its own.
    pub fn run(mut self) {
        let inbox_waits = Sleeper::of_this_thread();
        loop {
            self.publish_due();
            let patience = schedule::patience(&self.catalog, (self.clock)());
            let mut letters = match inbox_waits.receive(&mut self.inbox, patience) {
                Received::Letter(first) => vec![first],
                Received::Nothing => continue,
                Received::Closed => return,
            };
            while letters.len() < BATCH_MAX
                && let Ok(next) = self.inbox.try_recv()
            {
                letters.push(next);
            }
            // Whoever asks is told of a moment, and what was due before it has happened.
            self.publish_due();
            self.serve(letters);
        }
    }

    /// Publishes what waited for a time that has come. What cannot be stored keeps
    /// waiting.
    fn publish_due(&mut self) {
        let now = (self.clock)();
        if !schedule::is_due(&self.catalog, now) {
            return;
        }
        let mut batch = Batch::new(&self.catalog);
        batch.changes = rules::take_up_due(&mut batch.catalog, now);
        self.finish(batch);
        if schedule::is_due(&self.catalog, now) {
            tracing::error!("a publish is due and cannot be stored: it is tried again");
        }
    }

    fn serve(&mut self, letters: Vec<Letter>) {
        let mut batch = Batch::new(&self.catalog);
        for letter in letters {
            // Who asks for what is stored, asks for all that came before.
            if !matches!(
                &letter,
                Letter::Command(command, _) | Letter::Conditional(_, command, _)
                    if !reads_history(command)
            ) {
                batch = self.finish(batch);
            }
            // Whoever asked may be gone; the change stands.
            match letter {
                Letter::Command(command, answer) => {
                    self.carry_out(&mut batch, None, command, answer);
                }
                Letter::Conditional(condition, command, answer) => {
                    self.carry_out(&mut batch, Some(condition), command, answer);
                }
                Letter::Reload(reload, answer) => {
                    drop(answer.send(self.reload(*reload).map_err(failed)));
                    batch = Batch::new(&self.catalog);
                }
                Letter::Catalog(answer) => drop(answer.send(self.catalog.clone())),
                Letter::Code(name, code_version, answer) => {
                    let code = self.store.code(&name, &code_version);
                    drop(answer.send(code.map_err(failed)));
                }
                Letter::History(page, answer) => {
                    drop(answer.send(self.store.history(&page).map_err(failed)));
                }
                Letter::AppHistory(page, answer) => {
                    drop(answer.send(self.store.app_history(&page).map_err(failed)));
                }
            }
        }
        self.finish(batch);
    }

    fn carry_out(
        &self,
        batch: &mut Batch,
        condition: Option<Condition>,
        command: Command,
        answer: Answer,
    ) {
        match self.past(&command) {
            Ok(past) => batch.apply(condition, command, past, (self.clock)(), answer),
            Err(error) => drop(answer.send(Err(failed(error)))),
        }
    }

    /// Stores, publishes and answers `batch`; the next one starts from what came of it.
    fn finish(&mut self, batch: Batch) -> Batch {
        let stored = self.store.save(&batch.changes).map_err(logged);
        // They are not stored, so they hold whatever becomes of the rest.
        self.catalog.quotas = batch.catalog.quotas;
        if stored.is_ok() {
            self.catalog = batch.catalog;
            self.publish(&batch.changes);
        }
        for Answered { answer, outcome, provisional } in batch.answers {
            let outcome = match &stored {
                // Neither a change nor a refusal that stands on changes which are not
                // stored is true.
                Err(error) if provisional => Err(CommandError::Store(error.clone())),
                _ => outcome.map_err(CommandError::Refused),
            };
            drop(answer.send(outcome));
        }
        Batch::new(&self.catalog)
    }

    fn publish(&mut self, changes: &[Change]) {
        let moved = Moved::by(changes);
        if !moved.is_empty() {
            self.table.publish(|table| moved.in_table(table, &self.catalog));
        }
    }

    /// Makes another config the one in effect, or changes nothing.
    fn reload(&mut self, reload: Reload) -> Result<Vec<Warning>, StoreError> {
        let Reload { settings, declared } = reload;
        let mut next = self.catalog.clone();
        let (changes, warnings) = rules::declare(&mut next, declared, (self.clock)());
        self.store.save(&changes)?;
        let before = std::mem::replace(&mut self.catalog, next);
        let catalog = &self.catalog;
        // The table finds an app by its name, and only a config gives it another.
        let renamed = before.apps.values().filter(|app| {
            let now = catalog.app(&app.id);
            now.is_some_and(|now| now.name != app.name)
        });
        self.table.publish(|table| {
            let table = table.without_apps(renamed.map(|app| (&app.id, &app.name)));
            let table = Moved::by(&changes).in_table(&table.with_settings(settings), catalog);
            let sites = catalog.sites.values();
            table
                .without_sites()
                .with_sites(sites.map(|site| (site, catalog.routes_of_site(site.id))))
        });
        Ok(warnings)
    }

    /// What the deployment that `command` wants back served.
    fn past(&self, command: &Command) -> Result<Option<Shares>, StoreError> {
        let Command::Rollback { name, environment, to } = command.deed() else {
            return Ok(None);
        };
        match to {
            Some(id) => {
                let found = self.store.deployment(name, *environment, *id)?;
                Ok(found.map(|deployment| deployment.shares))
            }
            None => self.before_live(name, *environment),
        }
    }

    fn before_live(
        &self,
        name: &RoutineName,
        environment: Environment,
    ) -> Result<Option<Shares>, StoreError> {
        let routine = self.catalog.routine(name);
        let live = routine.and_then(|routine| routine.deployment(environment));
        let Some(DeploymentId(live)) = live.map(|live| live.id) else {
            return Ok(None);
        };
        let page = HistoryPage {
            name: name.clone(),
            environment: Some(environment),
            before: Some(live),
            limit: 1,
        };
        let mut found = self.store.history(&page)?;
        Ok(found.pop().map(|record| record.deployment.shares))
    }
}

impl Batch {
    fn new(catalog: &Catalog) -> Self {
        Self { catalog: catalog.clone(), changes: Vec::new(), answers: Vec::new() }
    }

    fn apply(
        &mut self,
        condition: Option<Condition>,
        command: Command,
        past: Option<Shares>,
        now: Timestamp,
        answer: Answer,
    ) {
        let sets_quotas = matches!(command, Command::SetQuotas(_));
        let met = condition.map_or(Ok(()), |holds| holds(&self.catalog)).map_err(Refused::Unmet);
        let outcome = met.and_then(|()| apply(&mut self.catalog, command, past, now));
        let outcome = outcome.map(|applied| {
            self.changes.extend(applied.changes);
            applied.reply
        });
        let provisional = !self.changes.is_empty() && !sets_quotas;
        self.answers.push(Answered { answer, outcome, provisional });
    }
}

/// Whether a command needs what only the store has.
fn reads_history(command: &Command) -> bool {
    matches!(command.deed(), Command::Rollback { .. })
}

fn failed(error: StoreError) -> CommandError {
    CommandError::Store(logged(error))
}

/// The operator reads the log; who called may be anybody.
fn logged(error: StoreError) -> Arc<StoreError> {
    tracing::error!("{error}");
    Arc::new(error)
}

#[cfg(test)]
mod tests;
