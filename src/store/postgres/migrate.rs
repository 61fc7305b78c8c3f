//! The schema and its migrations.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::store::interface::Migrated;
use crate::store::postgres::problem::Problem;

/// The migrations. A database of version n has had the first n of them.
///
/// A migration only adds, and touches no existing row: the previous version goes on working with the new schema. A new column has
/// a name that no other table has, because statements of the previous version join the tables. There is no index on
/// `last_seen`, because each update of the last use would then change all indices.
const MIGRATIONS: [&str; 8] = [
    "
    CREATE TABLE account (
        id         bytea PRIMARY KEY,
        subject    bytea NOT NULL UNIQUE,
        openid     bytea NOT NULL,
        unionid    bytea,
        created_at bigint NOT NULL,
        nickname   text,
        avatar_url text
    ) WITH (fillfactor = 90);
    CREATE TABLE session (
        digest       bytea PRIMARY KEY,
        id           bytea NOT NULL,
        account      bytea NOT NULL REFERENCES account ON DELETE CASCADE,
        app          text NOT NULL,
        created_at   bigint NOT NULL,
        expires_at   bigint NOT NULL,
        last_seen    bigint NOT NULL,
        device       text NOT NULL,
        session_keys bytea NOT NULL,
        place        bigint GENERATED ALWAYS AS IDENTITY
    ) WITH (fillfactor = 80);
    CREATE INDEX session_by_account ON session (account, created_at);
    CREATE INDEX session_by_end ON session (expires_at);
    CREATE TABLE ledger (
        key        bytea PRIMARY KEY,
        value      bytea,
        version    bigint NOT NULL DEFAULT 0,
        expires_at bigint NOT NULL DEFAULT 0,
        holder     bytea,
        held_until bigint NOT NULL DEFAULT 0
    ) WITH (autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX ledger_by_end ON ledger (expires_at);
    CREATE TABLE revocation (
        transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
        digest      bytea NOT NULL,
        at          timestamptz NOT NULL DEFAULT now()
    ) WITH (autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX revocation_by_transaction ON revocation (transaction);
    CREATE INDEX revocation_by_time ON revocation (at);
    CREATE TABLE clock (
        id           int PRIMARY KEY CHECK (id = 1),
        since        bigint,
        latest       bigint,
        rival_since  bigint,
        rival_latest bigint
    );
    INSERT INTO clock (id) VALUES (1);
",
    // A backup and a standby have the same identity, another database has not.
    "CREATE TABLE database_identity (
        id       int PRIMARY KEY CHECK (id = 1),
        identity uuid NOT NULL DEFAULT gen_random_uuid()
    );
    INSERT INTO database_identity (id) VALUES (1)",
    "ALTER TABLE account ADD COLUMN app_id text, ADD COLUMN blocked_at bigint, ADD COLUMN block_reason text;
    CREATE TABLE login_count (
        day    text NOT NULL,
        app    text NOT NULL,
        node   bytea NOT NULL,
        logins bigint NOT NULL,
        PRIMARY KEY (day, app, node)
    )",
    // In a transaction of their own: while they are built, logins wait, but checks of sessions do not.
    "CREATE INDEX account_by_creation ON account (created_at, id);
    CREATE INDEX account_by_block ON account (created_at, id) WHERE blocked_at IS NOT NULL",
    "
    CREATE TABLE event (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id       bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
        kind     text NOT NULL,
        account  bytea NOT NULL,
        app      text,
        session  bytea,
        reason   text,
        at       bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    ) WITH (autovacuum_vacuum_scale_factor = 0.01);
",
    "CREATE TABLE phone_number (
        account bytea PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        number  bytea NOT NULL,
        digest  bytea NOT NULL
    );
    CREATE INDEX phone_number_by_digest ON phone_number (digest);
",
    // A row of `account` whose `root_id` is NULL is a user. Any other row is an identity of the user `root_id`: it was joined to
    // the row `parent_id`. `session.account` is the user, `identity_id` the row that has logged in, if it is another one.
    "ALTER TABLE account ADD COLUMN parent_id bytea, ADD COLUMN root_id bytea;
    ALTER TABLE session ADD COLUMN identity_id bytea;
    CREATE INDEX account_by_parent ON account (parent_id) WHERE parent_id IS NOT NULL;
    CREATE INDEX account_by_root ON account (root_id) WHERE root_id IS NOT NULL;
    CREATE TABLE union_identity (
        digest  bytea PRIMARY KEY,
        account bytea NOT NULL REFERENCES account ON DELETE CASCADE
    );
    CREATE INDEX union_identity_by_account ON union_identity (account);
    CREATE TABLE user_conflict (
        kept       bytea NOT NULL REFERENCES account ON DELETE CASCADE,
        other      bytea NOT NULL REFERENCES account ON DELETE CASCADE,
        found_at   bigint NOT NULL,
        decision   text,
        decided_at bigint,
        moved      bytea,
        PRIMARY KEY (kept, other)
    );
    CREATE UNIQUE INDEX user_conflict_by_pair ON user_conflict (least(kept, other), greatest(kept, other));
    CREATE INDEX user_conflict_by_other ON user_conflict (other);
    CREATE INDEX user_conflict_by_time ON user_conflict (found_at, kept, other);
",
    "
    ALTER TABLE event ADD COLUMN other_user bytea;
    CREATE INDEX user_conflict_by_moved ON user_conflict (moved) WHERE moved IS NOT NULL;
",
];

/// The lock lasts for the transaction: a lock of the session would stay behind a connection pooler. Its second number is
/// that of the schema.
const LOCK: &str = "SET LOCAL statement_timeout = '10min';
    SET LOCAL lock_timeout = '60s';
    SELECT pg_advisory_xact_lock(2004380775, hashtext(current_schema()))";

const VERSION_TABLE: &str = "CREATE TABLE schema_version
    (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";

/// Applies the missing migrations, unless the schema is newer. Nodes that start at the same time wait for each other. A role
/// that may not create tables can open a current schema.
pub(super) async fn migrate(client: &mut Client) -> Result<Migrated, Problem> {
    let from = apply_next(client).await?;
    let mut found = from;
    while found < MIGRATIONS.len() {
        found = apply_next(client).await?;
    }
    Ok(Migrated { from, to: found })
}

/// Applies the first missing migration in a transaction of its own, so that its locks do not outlast it. Returns the version
/// that was found.
async fn apply_next(client: &mut Client) -> Result<usize, Problem> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    let exists = "SELECT to_regclass('schema_version') IS NOT NULL";
    let exists: bool = transaction.query_one(exists, &[]).await?.get(0);
    let mut found = 0;
    if exists {
        let version = "SELECT coalesce(max(version), 0) FROM schema_version";
        found = transaction.query_one(version, &[]).await?.get(0);
    } else {
        transaction
            .batch_execute(VERSION_TABLE)
            .await
            .map_err(explain)?;
    }
    let supported = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if found > supported {
        return Err(Problem::Unusable(format!(
            "it has schema {found}, and this program supports none later than {supported}\n  \
             hint: run the newer version of weapp-login that wrote it"
        )));
    }
    let mut missing = (1..)
        .zip(MIGRATIONS)
        .skip_while(|(version, _)| *version <= found);
    if let Some((version, migration)) = missing.next() {
        transaction
            .batch_execute(migration)
            .await
            .map_err(explain)?;
        let insert = "INSERT INTO schema_version (version) VALUES ($1)";
        transaction.execute(insert, &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(usize::try_from(found).unwrap_or(0))
}

fn explain(error: tokio_postgres::Error) -> Problem {
    let problem = Problem::from(error);
    let hint = if problem.has_code(&[SqlState::DUPLICATE_TABLE]) {
        "another program has tables of these names; use a database of its own"
    } else if problem.has_code(&[
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::INVALID_SCHEMA_NAME,
    ]) {
        "run `weapp-login store migrate` with a role that may create tables in the schema, such as the owner of the database"
    } else {
        return problem;
    };
    Problem::Unusable(format!(
        "the tables cannot be created: {problem}\n  hint: {hint}"
    ))
}

#[cfg(test)]
pub(super) const LATEST: usize = MIGRATIONS.len();
