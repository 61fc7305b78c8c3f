//! A backend of one's own on the library: the login with all its routes, and notes for whoever is logged in.
//!
//! `cargo run --example notes`. What it leaves to the binary: sweeping out sessions that are over, and saying at the start
//! what it serves (see `src/commands/serve.rs`).

mod notes;
#[cfg(test)]
mod tests;

use std::env;
use std::error::Error;
use std::path::Path;

use actix_web::{HttpServer, web};
use weapp_login::settings::Settings;
use weapp_login::{Parts, app_with, telemetry};
use wechat_simulator::{Options, Simulator};

use notes::Notes;

#[actix_rt::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::load(env::vars_os(), Path::new("config"))?.settings;
    let log = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })?;
    // In development and without an AppID there is a WeChat of our own.
    let wechat = if settings.simulated() {
        Some(Simulator::start(Options::new(1)).await?)
    } else {
        None
    };
    let parts = Parts::new(&settings, wechat.as_ref(), false).await?;
    let (store, notes) = (parts.clone(), web::Data::new(Notes::default()));
    HttpServer::new(move || app_with(&parts, notes::routes()).app_data(notes.clone()))
        .bind(settings.server.address())?
        .run()
        .await?;
    store.store().close().await?;
    Ok(log.flush()?)
}
