//! The tools of the comparison: `tools seed|statuses|writes|requests …`.
//!
//! They are one binary, because linking the whole library several times takes minutes.

mod new_users;
mod requests;
mod seed;
mod statuses;
mod writes;

use std::env;

use mimalloc::MiMalloc;

/// The same allocator as the server's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Any error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[actix_rt::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments
        .split_first()
        .map(|(tool, rest)| (tool.as_str(), rest))
    {
        Some(("requests", rest)) => requests::run(rest).await,
        Some(("seed", rest)) => seed::run(rest).await,
        Some(("statuses", rest)) => statuses::run(rest).await,
        Some(("writes", rest)) => writes::run(rest).await,
        _ => Err("tools seed|statuses|writes|requests …".into()),
    }
}
