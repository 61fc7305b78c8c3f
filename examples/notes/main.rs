//! A backend of your own on the library: all routes of the login, and notes for logged-in users.
//!
//! Run it with `cargo run --example notes`. It does not delete expired sessions and prints no banner, as the server does in
//! `src/main.rs`.

mod notes;
mod store;
#[cfg(test)]
mod tests;

use std::env;
use std::error::Error;
use std::net::TcpListener;
use std::path::Path;

use actix_guarded_server::HttpServer;
use actix_web::web;
use weapp_login::settings::Settings;
use weapp_login::{Parts, app_with, telemetry};
use wechat_simulator::{Options, Simulator};

use store::Notes;

#[actix_rt::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::load(env::vars_os(), Path::new("config"))?.settings;
    let log = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })?;
    // In development, without an AppID, WeChat is simulated.
    let wechat = if settings.simulated() {
        Some(Simulator::start(Options::new(1)).await?)
    } else {
        None
    };
    let parts = Parts::new(&settings, wechat.as_ref(), false).await?;
    let store = parts.clone();
    let notes = web::Data::new(Notes::open(Path::new("data/notes.db"))?);
    HttpServer::new(move || app_with(&parts, notes::routes()).app_data(notes.clone()))
        .listen(TcpListener::bind(&*settings.server.sockets())?)?
        .run()
        .await?;
    store.store().close().await?;
    Ok(log.flush()?)
}
