//! The store: the catalog, the code of versions and the history of deployments,
//! in SQLite. What it has said is stored survives a `kill -9`.

mod apps;
mod read;
mod routes;
mod rows;
mod schema;
mod variables;
mod write;

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use schema::Owner;

use crate::observe::Commits;

/// How long a start waits for another program to leave the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// The largest database that a start reads whole to see whether it is sound:
/// some tenths of a second.
const CHECKED_MAX_BYTES: u64 = 256 << 20;

/// Statements kept prepared: more than there are.
const STATEMENTS_MAX: usize = 64;

/// What is kept of the write-ahead log once it has been carried over.
const LOG_KEPT_MAX_BYTES: i64 = 64 << 20;

/// How every SQLite database starts.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What a store that ends with the process is called.
const IN_MEMORY: &str = ":memory:";

/// Why the store cannot be used. It has been left as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the store `{path}` cannot be opened: check that it is a file, and that serin may read and write it and its folder"
    )]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "the store `{0}` is in use by another program: stop that one, or give this serin a store of its own"
    )]
    InUse(PathBuf),
    #[error(
        "`{0}` is not a serin store and was left as it is: name another file, or restore this one if it once was a store"
    )]
    Foreign(PathBuf),
    #[error(
        "the store `{path}` is from a newer serin (schema {found}, and this one knows {known}): start that one, or restore a backup from before"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the store `{path}` is damaged and was left as it is: restore a backup, or move it away to start anew: {why}"
    )]
    Damaged { path: PathBuf, why: String },
    #[error(
        "the store is damaged and was left as it is: restore a backup, or mend row `{row}` of table `{table}`: {why}"
    )]
    Corrupt { table: &'static str, row: String, why: String },
    #[error("the store failed: check its disk's space and health: {0}")]
    Failed(#[from] rusqlite::Error),
}

/// The database. One program at a time has it.
#[derive(Debug)]
pub struct Store {
    // Before the lock, so that it is closed before another program is let in.
    connection: Connection,
    /// As it was named; for what is said of it.
    path: PathBuf,
    /// Held for as long as the store is open.
    _lock: Option<File>,
    commits: Commits,
}

impl Store {
    /// Opens the database at `path`, or makes one where there is no file or an
    /// empty one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        if !is_database_or_empty(&lock) {
            return Err(StoreError::Foreign(path.to_owned()));
        }
        // SQLite reads `:memory:` and `file:` otherwise than as names.
        let named = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let length = lock.metadata().map_or(0, |metadata| metadata.len());
        Connection::open_with_flags(named, flags)
            .map_err(Trouble::from)
            .and_then(|connection| set_up(connection, length <= CHECKED_MAX_BYTES))
            .map(|connection| Self {
                connection,
                path: path.to_owned(),
                _lock: Some(lock),
                commits: Commits::default(),
            })
            .map_err(|trouble| trouble.at(path))
    }

    /// A store that ends with the process.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        let connection = set_up(connection, false);
        let connection = connection.map_err(|trouble| trouble.at(Path::new(IN_MEMORY)))?;
        let (path, commits) = (PathBuf::from(IN_MEMORY), Commits::default());
        Ok(Self { connection, path, _lock: None, commits })
    }

    /// What was committed, and how long that took.
    pub const fn commits(&self) -> &Commits {
        &self.commits
    }
}

#[cfg(test)]
impl Store {
    /// Makes the disk full: the database may not grow.
    pub(super) fn fill_up(&self) {
        self.limit_pages("1"); // SQLite takes what it has instead.
    }

    pub(super) fn make_room(&self) {
        self.limit_pages("4294967294");
    }

    fn limit_pages(&self, pages: &str) {
        let limit = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let sql = format!("PRAGMA max_page_count = {pages}");
        self.connection.query_row(&sql, [], limit).expect("a limit is taken");
    }
}

/// Takes the file for this process alone. SQLite's own lock comes too late: two
/// that start at one moment would both look at an empty file.
fn lock(path: &Path) -> Result<File, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false);
    let file = file.open(path).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(open(source)),
    }
}

/// Looks before SQLite does, to which a file of one byte is empty.
fn is_database_or_empty(file: &File) -> bool {
    let mut start = Vec::new();
    let read = file.take(MAGIC.len() as u64).read_to_end(&mut start);
    read.is_ok() && (start.is_empty() || start == MAGIC)
}

/// What is wrong with a database, before it is said which one.
enum Trouble {
    Foreign,
    Newer(i64),
    Damaged(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign,
            // `Unknown` is SQL that does not fit the tables there are.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl Trouble {
    fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Foreign => StoreError::Foreign(path),
            Self::Newer(found) => StoreError::Newer { path, found, known: schema::KNOWN },
            Self::Damaged(why) => StoreError::Damaged { path, why },
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    StoreError::InUse(path)
                }
                _ => StoreError::Failed(error),
            },
        }
    }
}

/// Looks whose the database is, and only then touches it.
fn set_up(mut connection: Connection, check: bool) -> Result<Connection, Trouble> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Closing would otherwise write a log that somebody left into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let schema = match schema::owner(&connection)? {
        Owner::Nobody => 0,
        Owner::Serin { schema } if schema > schema::KNOWN => return Err(Trouble::Newer(schema)),
        Owner::Serin { schema } => schema,
        Owner::Another => return Err(Trouble::Foreign),
    };
    if check {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(Trouble::Damaged(verdict));
        }
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    schema::migrate(&mut connection, schema)?;
    // Only now: until the tables stand, a log beside an empty file would be their only home.
    // A file system that cannot have one keeps a rollback journal, as durable and slower.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection
        .pragma_update_and_check(None, "journal_size_limit", LOG_KEPT_MAX_BYTES, |_| Ok(()))?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
