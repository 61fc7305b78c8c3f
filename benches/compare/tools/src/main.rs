//! What the comparison measures with: `tools seed|writes|pace|requests …`.
//!
//! One binary, because linking several with the whole library in each takes minutes. Knows only its tools' names.

mod pace;
mod requests;
mod seed;
mod strangers;
mod writes;

use std::env;

use mimalloc::MiMalloc;

/// The product's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Any error, on its way out of the process.
pub(crate) type Anything = Box<dyn std::error::Error + Send + Sync>;

#[actix_rt::main]
async fn main() -> Result<(), Anything> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments
        .split_first()
        .map(|(tool, rest)| (tool.as_str(), rest))
    {
        Some(("pace", rest)) => pace::run(rest),
        Some(("requests", rest)) => requests::run(rest).await,
        Some(("seed", rest)) => seed::run(rest).await,
        Some(("writes", rest)) => writes::run(rest).await,
        _ => Err("tools seed|writes|pace|requests …".into()),
    }
}
