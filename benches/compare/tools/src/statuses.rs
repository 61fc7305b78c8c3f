//! `tools statuses DATABASE TOKENS SECONDS`: reads the status of random sessions from a store, never from a cache, with 64
//! concurrent callers, and prints the number of reads.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use weapp_login::session::{Token, TokenDigest};
use weapp_login::store::{self, Store};

use crate::BoxError;

const AT_ONCE: usize = 64;

pub(crate) async fn run(arguments: &[String]) -> Result<(), BoxError> {
    let [database, tokens, seconds] = arguments else {
        return Err("tools statuses DATABASE TOKENS SECONDS".into());
    };
    let tokens = fs::read_to_string(tokens)?;
    let digests: Option<Vec<TokenDigest>> = tokens
        .lines()
        .map(|line| Token::parse(line).map(|token| token.digest()))
        .collect();
    let digests = digests.ok_or("a line is no token")?;
    let store = store::open(database.as_str()).await?;
    let end = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    // The tokens are in random order in the file.
    let callers = (0..AT_ONCE).map(|caller| read(&*store, &digests, caller, end));
    let reads: usize = try_join_all(callers).await?.into_iter().sum();
    println!("{{\"reads\":{reads}}}");
    Ok(store.close().await?)
}

/// Reads every 64th session until the end, beginning with the one of this number.
async fn read(
    store: &dyn Store,
    digests: &[TokenDigest],
    caller: usize,
    end: Instant,
) -> Result<usize, BoxError> {
    let mut reads = 0;
    for digest in digests.iter().cycle().skip(caller).step_by(AT_ONCE) {
        if Instant::now() >= end {
            break;
        }
        let status = store.fresh_status(*digest).await?;
        status.ok_or("a session is missing")?;
        reads += 1;
    }
    Ok(reads)
}
