//! The schema, as the steps that lead to it.

/// The migrations of the schema. A file with `user_version` n has had the first n of them.
pub(super) const MIGRATIONS: [&str; 7] = [
    "
    CREATE TABLE user (
        id         BLOB NOT NULL PRIMARY KEY,
        subject    BLOB NOT NULL UNIQUE,
        openid     BLOB NOT NULL,
        unionid    BLOB,
        created_at INTEGER NOT NULL,
        nickname   TEXT,
        avatar_url TEXT
    ) STRICT;
    CREATE TABLE session (
        digest       BLOB NOT NULL UNIQUE,
        id           BLOB NOT NULL,
        user         BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        app          TEXT NOT NULL,
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER NOT NULL,
        last_seen    INTEGER NOT NULL,
        device       TEXT NOT NULL,
        session_keys BLOB NOT NULL
    ) STRICT;
    CREATE INDEX session_by_user ON session (user, created_at);
    CREATE INDEX session_by_end ON session (expires_at);
    CREATE INDEX session_by_use ON session (last_seen);
    CREATE TABLE ledger (
        key        BLOB NOT NULL PRIMARY KEY,
        value      BLOB,
        version    INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL DEFAULT 0,
        holder     BLOB,
        held_until INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ledger_by_end ON ledger (expires_at);
",
    "
    CREATE TABLE clock (
        id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        since        INTEGER,
        latest       INTEGER,
        rival_since  INTEGER,
        rival_latest INTEGER
    ) STRICT;
    INSERT INTO clock (id) VALUES (1);
",
    "
    ALTER TABLE user ADD COLUMN app_id TEXT;
    ALTER TABLE user ADD COLUMN blocked_at INTEGER;
    ALTER TABLE user ADD COLUMN block_reason TEXT;
    CREATE INDEX user_by_creation ON user (created_at, id);
    CREATE INDEX user_by_block ON user (created_at, id) WHERE blocked_at IS NOT NULL;
    CREATE TABLE login_count (
        day    TEXT NOT NULL,
        app    TEXT NOT NULL,
        node   BLOB NOT NULL,
        logins INTEGER NOT NULL,
        PRIMARY KEY (day, app, node)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE event (
        position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id       BLOB NOT NULL DEFAULT (randomblob(16)),
        kind     TEXT NOT NULL,
        user     BLOB NOT NULL,
        app      TEXT,
        session  BLOB,
        reason   TEXT,
        at       INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ) STRICT;
",
    "
    CREATE TABLE phone_number (
        user   BLOB NOT NULL PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
        number BLOB NOT NULL,
        digest BLOB NOT NULL
    ) STRICT;
    CREATE INDEX phone_number_by_digest ON phone_number (digest);
",
    // A row whose `root_id` is NULL is a user. Any other row is an identity of the user `root_id`: it was joined to the row
    // `parent_id`. `session.user` is the user, `identity_id` the row that has logged in, if it is another one.
    "
    ALTER TABLE user ADD COLUMN parent_id BLOB;
    ALTER TABLE user ADD COLUMN root_id BLOB;
    ALTER TABLE session ADD COLUMN identity_id BLOB;
    CREATE INDEX user_by_parent ON user (parent_id) WHERE parent_id IS NOT NULL;
    CREATE INDEX user_by_root ON user (root_id) WHERE root_id IS NOT NULL;
    CREATE TABLE union_identity (
        digest BLOB NOT NULL PRIMARY KEY,
        user   BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX union_identity_by_user ON union_identity (user);
    CREATE TABLE user_conflict (
        kept       BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        other      BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        found_at   INTEGER NOT NULL,
        decision   TEXT,
        decided_at INTEGER,
        moved      BLOB,
        PRIMARY KEY (kept, other)
    ) STRICT;
    CREATE UNIQUE INDEX user_conflict_by_pair ON user_conflict (min(kept, other), max(kept, other));
    CREATE INDEX user_conflict_by_other ON user_conflict (other);
    CREATE INDEX user_conflict_by_time ON user_conflict (found_at, kept, other);
",
    "
    ALTER TABLE event ADD COLUMN other_user BLOB;
    CREATE INDEX user_conflict_by_moved ON user_conflict (moved) WHERE moved IS NOT NULL;
",
];
