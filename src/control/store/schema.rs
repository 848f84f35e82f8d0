//! The shape of the database, and how an older shape becomes the present one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Says in the file's header that it is ours: `Srin`.
pub(super) const APPLICATION_ID: i32 = 0x5372_696e;

/// Step by step from an empty database. A step that was released never changes;
/// how many of them a database has seen is its `user_version`.
pub(super) const STEPS: &[&str] = &[
    "
    CREATE TABLE routine (
        name TEXT NOT NULL PRIMARY KEY,
        description TEXT NOT NULL,
        has_assets INTEGER NOT NULL,
        created INTEGER NOT NULL,
        origin TEXT NOT NULL,
        routes TEXT NOT NULL,
        sticky TEXT NOT NULL,
        sticky_declared INTEGER NOT NULL,
        cohort TEXT NOT NULL,
        cohort_declared INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE version (
        routine TEXT NOT NULL REFERENCES routine ON DELETE CASCADE,
        code_version TEXT NOT NULL,
        description TEXT NOT NULL,
        created INTEGER NOT NULL,
        upstream TEXT,
        upstream_declared INTEGER NOT NULL,
        origin TEXT NOT NULL,
        PRIMARY KEY (routine, code_version)
    ) STRICT, WITHOUT ROWID;

    -- Apart from `version`, so that a start need not read it.
    CREATE TABLE version_code (
        routine TEXT NOT NULL,
        code_version TEXT NOT NULL,
        code BLOB NOT NULL,
        PRIMARY KEY (routine, code_version),
        FOREIGN KEY (routine, code_version) REFERENCES version ON DELETE CASCADE
    ) STRICT;

    CREATE TABLE staged_code (
        routine TEXT NOT NULL PRIMARY KEY REFERENCES routine ON DELETE CASCADE,
        description TEXT NOT NULL,
        upstream TEXT,
        code BLOB NOT NULL
    ) STRICT;

    -- The history. It outlives the routine.
    CREATE TABLE deployment (
        id INTEGER NOT NULL PRIMARY KEY,
        routine TEXT NOT NULL,
        environment TEXT NOT NULL,
        shares TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX deployment_by_environment ON deployment (routine, environment, id);

    -- The environments that ever had a deployment, and the one that is live.
    CREATE TABLE environment (
        routine TEXT NOT NULL,
        environment TEXT NOT NULL,
        live INTEGER REFERENCES deployment,
        PRIMARY KEY (routine, environment)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE deleted_routine (
        name TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE deleted_version (
        routine TEXT NOT NULL,
        code_version TEXT NOT NULL,
        PRIMARY KEY (routine, code_version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE minted (
        only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
        last INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE app (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        remarks TEXT NOT NULL,
        service_port INTEGER NOT NULL,
        target_port INTEGER NOT NULL,
        health_check TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        declared INTEGER NOT NULL,
        sticky TEXT NOT NULL,
        cohort TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE app_version (
        app TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
        version TEXT NOT NULL,
        name TEXT NOT NULL,
        remarks TEXT NOT NULL,
        containers TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        published INTEGER,
        last_published INTEGER,
        upstream TEXT,
        declared INTEGER NOT NULL,
        PRIMARY KEY (app, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE app_record (
        app TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
        host TEXT NOT NULL,
        id INTEGER NOT NULL,
        site INTEGER NOT NULL,
        created INTEGER NOT NULL,
        PRIMARY KEY (app, host)
    ) STRICT, WITHOUT ROWID;

    -- The history. It outlives the app. Its ids and those of deployments are one series.
    CREATE TABLE publish (
        id INTEGER NOT NULL PRIMARY KEY,
        app TEXT NOT NULL,
        environment TEXT NOT NULL,
        version TEXT NOT NULL,
        reach TEXT NOT NULL,
        rest TEXT,
        baseline TEXT,
        rollback INTEGER NOT NULL,
        remarks TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX publish_by_environment ON publish (app, environment, id);

    -- The publish that is live.
    CREATE TABLE app_environment (
        app TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
        environment TEXT NOT NULL,
        live INTEGER NOT NULL REFERENCES publish,
        PRIMARY KEY (app, environment)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE scheduled_publish (
        number INTEGER NOT NULL PRIMARY KEY,
        app TEXT NOT NULL REFERENCES app ON DELETE CASCADE,
        environment TEXT NOT NULL,
        version TEXT NOT NULL,
        reach TEXT NOT NULL,
        remarks TEXT NOT NULL,
        start INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE deleted_app (
        id TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE deleted_app_version (
        app TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (app, version)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE routine_record (
        routine TEXT NOT NULL REFERENCES routine ON DELETE CASCADE,
        host TEXT NOT NULL,
        id INTEGER NOT NULL,
        site INTEGER NOT NULL,
        created INTEGER NOT NULL,
        PRIMARY KEY (routine, host)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE routine_route (
        site INTEGER NOT NULL,
        id INTEGER NOT NULL,
        routine TEXT NOT NULL REFERENCES routine ON DELETE CASCADE,
        name TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        rule TEXT NOT NULL,
        mode TEXT NOT NULL,
        bypass INTEGER NOT NULL,
        fallback INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        timeout INTEGER,
        created INTEGER NOT NULL,
        PRIMARY KEY (site, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX routine_route_by_routine ON routine_route (routine);
",
    "
    ALTER TABLE version ADD COLUMN status TEXT NOT NULL DEFAULT 'available';
    ALTER TABLE version ADD COLUMN extra_info TEXT NOT NULL DEFAULT '';
    ALTER TABLE version ADD COLUMN build_id INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE version ADD COLUMN deploy_env TEXT;
    ALTER TABLE version ADD COLUMN has_variables INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE version ADD COLUMN not_found_strategy TEXT NOT NULL DEFAULT '';
    ALTER TABLE version ADD COLUMN asset_files INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE version ADD COLUMN asset_bytes INTEGER NOT NULL DEFAULT 0;

    -- A value that is NULL is a secret, which is not kept.
    CREATE TABLE variable (
        routine TEXT NOT NULL REFERENCES routine ON DELETE CASCADE,
        environment TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT,
        PRIMARY KEY (routine, environment, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The access key that asked for a deployment or a publish, whose numbers are one row.
    CREATE TABLE deployed_by (
        deployment INTEGER NOT NULL PRIMARY KEY,
        access_key TEXT NOT NULL
    ) STRICT;
",
];

/// The version of the schema that this program speaks.
#[expect(clippy::cast_possible_wrap, reason = "there are few steps")]
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Whose a database is.
pub(super) enum Owner {
    /// Nobody's: it is empty.
    Nobody,
    Serin {
        schema: i64,
    },
    Another,
}

pub(super) fn owner(connection: &Connection) -> rusqlite::Result<Owner> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, schema) = (number("application_id")?, number("user_version")?);
    Ok(if application == i64::from(APPLICATION_ID) {
        Owner::Serin { schema }
    } else if application == 0 && tables == 0 && schema == 0 {
        Owner::Nobody
    } else {
        Owner::Another
    })
}

/// Takes the steps that a database of schema version `from` has not seen, all or none.
pub(super) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let seen = usize::try_from(from).unwrap_or(0);
    let steps = STEPS.get(seen..).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Exclusive)?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", KNOWN)?;
    transaction.commit()
}
