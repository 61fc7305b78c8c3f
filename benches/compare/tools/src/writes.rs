//! `tools writes store|raw DATABASE APP_ID COUNT`: measures durable logins per second.
//!
//! `store` uses the library's [`Store`] with 64 concurrent callers. `raw` uses `SQLite` directly: the same file, settings and
//! statements, 64 logins per commit, without callers to wake.

use std::time::Instant;

use futures_util::future::try_join_all;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, named_params, params};
use weapp_login::session::Token;
use weapp_login::store::{self, Login, Store};

use crate::BoxError;
use crate::new_users::{NewUsers, now};

const AT_ONCE: usize = 64;

pub(crate) async fn run(arguments: &[String]) -> Result<(), BoxError> {
    let [way, database, app_id, count] = arguments else {
        return Err("tools writes store|raw DATABASE APP_ID COUNT".into());
    };
    let logins = logins(app_id, count.parse()?)?;
    let count = logins.len();
    let store = store::open(&format!("sqlite://{database}")).await?;
    let elapsed = match way.as_str() {
        "store" => {
            let start = Instant::now();
            through_store(&*store, logins).await?;
            start.elapsed()
        }
        "raw" => {
            // The store creates the schema.
            store.close().await?;
            let mut connection = Connection::open(database)?;
            // The settings of `store::sqlite::open`.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
            connection.pragma_update(None, "cache_size", -8 * 1024)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            let start = Instant::now();
            for group in logins.chunks(AT_ONCE) {
                commit(&mut connection, group)?;
            }
            start.elapsed()
        }
        other => return Err(format!("`{other}` is neither store nor raw").into()),
    };
    check_count(database, count)?;
    println!(
        "{{\"logins\":{count},\"seconds\":{}}}",
        elapsed.as_secs_f64()
    );
    Ok(())
}

/// Makes the logins before the measurement, which leaves out the tokens and the encryption.
fn logins(app_id: &str, count: usize) -> Result<Vec<Login>, BoxError> {
    let (new_users, now) = (NewUsers::of(app_id), now()?);
    let login = |_| new_users.login(&Token::generate()?, now);
    (0..count).map(login).collect()
}

async fn through_store(store: &dyn Store, logins: Vec<Login>) -> Result<(), BoxError> {
    let waiting = std::cell::RefCell::new(logins.into_iter());
    let caller = async || {
        loop {
            let Some(login) = waiting.borrow_mut().next() else {
                return Ok::<_, store::Error>(());
            };
            store.log_in(login).await?;
        }
    };
    try_join_all((0..AT_ONCE).map(|_| caller())).await?;
    Ok(())
}

fn commit(connection: &mut Connection, logins: &[Login]) -> Result<(), BoxError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for login in logins {
        let user: [u8; 16] = transaction
            .prepare_cached(
                "INSERT INTO user (id, subject, openid, unionid, created_at)
                 VALUES (:id, :subject, :openid, :unionid, :now)
                 ON CONFLICT (subject) DO UPDATE
                 SET openid = excluded.openid, unionid = coalesce(excluded.unionid, unionid)
                 RETURNING id, subject, openid, unionid, created_at, nickname, avatar_url",
            )?
            .query_row(
                named_params! {
                    ":id": login.user_if_new.0,
                    ":subject": login.subject.0,
                    ":openid": login.openid.0,
                    ":unionid": login.unionid.as_ref().map(|unionid| &unionid.0),
                    ":now": login.now.as_millisecond(),
                },
                |row| row.get(0),
            )?;
        transaction
            .prepare_cached(
                "INSERT INTO session
                     (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
                 VALUES (:digest, :id, :user, :app, :now, :expires_at, :now, :device, :session_keys)",
            )?
            .execute(named_params! {
                ":digest": login.digest.0,
                ":id": login.id.0,
                ":user": user,
                ":app": login.app.as_str(),
                ":now": login.now.as_millisecond(),
                ":expires_at": login.expires_at.as_millisecond(),
                ":device": login.device.as_str(),
                ":session_keys": login.session_keys.0,
            })?;
        // Every login has a new user, so there are no older sessions to end.
        let mut older = transaction.prepare_cached(
            "SELECT digest FROM session WHERE user = ?1 AND digest <> ?2
             ORDER BY created_at DESC, rowid DESC",
        )?;
        if older.exists(params![user, login.digest.0])? {
            return Err("a new user has sessions".into());
        }
    }
    Ok(transaction.commit()?)
}

/// Checks that all logins are in the file.
fn check_count(database: &str, count: usize) -> Result<(), BoxError> {
    let rows: i64 =
        Connection::open(database)?
            .query_row("SELECT count(*) FROM session", (), |row| row.get(0))?;
    if rows == i64::try_from(count)? {
        Ok(())
    } else {
        Err(format!("the file has {rows} of {count} sessions").into())
    }
}
