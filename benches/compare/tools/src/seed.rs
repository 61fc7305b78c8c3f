//! `tools seed DATABASE APP_ID SESSIONS TOKENS KNOWN`: fills a database with live sessions. The file `TOKENS` gets the tokens of `KNOWN`
//! of them, one per line; if it exists, its tokens are used.
//!
//! The known sessions are logins through the store. The others are copies with random keys, inserted by two statements,
//! because ten million logins would take too long.

use std::fs;

use futures_util::future::try_join_all;
use rusqlite::Connection;
use weapp_login::session::Token;
use weapp_login::store::{self, Store};

use crate::BoxError;
use crate::new_users::{NewUsers, now};

/// Number of concurrent logins.
const AT_ONCE: usize = 1024;

pub(crate) async fn run(arguments: &[String]) -> Result<(), BoxError> {
    let [database, app_id, sessions, file, known] = arguments else {
        return Err("tools seed DATABASE APP_ID SESSIONS TOKENS KNOWN".into());
    };
    let (sessions, known): (i64, usize) = (sessions.parse()?, known.parse()?);
    let tokens = tokens(file, known)?;
    let store = store::open(&format!("sqlite://{database}")).await?;
    log_in(&*store, app_id, &tokens).await?;
    store.close().await?;
    copy(database, sessions - i64::try_from(known)?)?;
    let store = store::open(&format!("sqlite://{database}")).await?;
    for token in tokens.iter().take(AT_ONCE) {
        let found = store.find(token.digest()).await?;
        let (session, _user) = found.ok_or("a session is missing")?;
        token
            .open(&session.session_keys)
            .ok_or("a session key cannot be decrypted")?;
    }
    Ok(store.close().await?)
}

fn tokens(file: &str, known: usize) -> Result<Vec<Token>, BoxError> {
    if let Ok(text) = fs::read_to_string(file) {
        let tokens: Option<Vec<Token>> = text.lines().map(Token::parse).collect();
        let tokens = tokens.filter(|tokens| tokens.len() == known);
        return tokens.ok_or_else(|| format!("{file} does not hold {known} tokens").into());
    }
    let tokens = (0..known).map(|_| Token::generate());
    let tokens: Vec<Token> = tokens.collect::<Result<_, _>>()?;
    let lines = tokens.iter().map(|token| format!("{}\n", *token.expose()));
    fs::write(file, lines.collect::<String>())?;
    Ok(tokens)
}

async fn log_in(store: &dyn Store, app_id: &str, tokens: &[Token]) -> Result<(), BoxError> {
    let new_users = NewUsers::of(app_id);
    let now = now()?;
    for tokens in tokens.chunks(AT_ONCE) {
        let logins = tokens.iter().map(|token| new_users.login(token, now));
        let logins: Vec<_> = logins.collect::<Result<_, _>>()?;
        try_join_all(logins.into_iter().map(|login| store.log_in(login))).await?;
    }
    Ok(())
}

/// Adds copies of the first user and session with other keys. The database need not survive a crash.
fn copy(database: &str, count: i64) -> Result<(), BoxError> {
    let connection = Connection::open(database)?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF;
         PRAGMA synchronous = OFF;
         PRAGMA cache_size = -2000000;",
    )?;
    // Creating the indexes at the end is faster.
    let later: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'session' AND sql IS NOT NULL")?
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &later {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    // Ascending keys are appended. Ten million keys in random order take minutes.
    connection.execute(
        "INSERT INTO user (id, subject, openid, created_at)
         WITH RECURSIVE counted (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM counted WHERE number + 1 < ?1)
         SELECT CAST(key || randomblob(12) AS BLOB), CAST(key || randomblob(28) AS BLOB), randomblob(56), created_at
         FROM (SELECT unhex(printf('%08x', number * 4294967296 / ?1)) AS key FROM counted WHERE ?1 > 0),
             (SELECT created_at FROM user LIMIT 1)",
        [count],
    )?;
    connection.execute(
        "INSERT INTO session (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
         SELECT CAST(substr(user.id, 1, 4) || randomblob(28) AS BLOB), randomblob(16), user.id, app, first.created_at, expires_at,
             last_seen, device, randomblob(52)
         FROM user, (SELECT * FROM session LIMIT 1) AS first
         WHERE user.rowid > (SELECT count(*) FROM session) ORDER BY user.rowid",
        (),
    )?;
    for (_, sql) in &later {
        connection.execute_batch(sql)?;
    }
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    Ok(())
}
