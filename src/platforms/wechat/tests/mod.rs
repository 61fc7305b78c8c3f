//! The client against servers on loopback sockets that answer raw bytes.

mod calls;
mod circuit;
mod decryption;
mod diagnosis;
mod errcodes;
mod leaks;
mod network;
mod paid;
mod proxy;
mod rejections;
mod replies;
mod secrets;
mod server;
mod tls;

use std::time::Duration;

use crate::identity::{AppId, AppSecret, LoginCode, PlatformName};
use crate::platforms::wechat::Client;
use crate::platforms::wechat::tests::server::Server;
use crate::platforms::{
    AppCredentials, ConfigError, Error, HttpConfig, Identity, Reason, Rejection,
};
use crate::settings::AppKind;

const APP_ID: &str = "wx4f4bc4dec97d474b";
const SECRET: &str = "6a5fc2b0e1d34978a6b5c4d3e2f1a0b9";
const CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";
const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const SESSION_KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const SUCCESS: &str =
    r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE"}"#;
const BUSY: &str = r#"{"errcode":-1,"errmsg":"system error"}"#;

/// Long enough for a busy machine, short enough to wait for.
const CONNECT: Duration = Duration::from_millis(250);
const WHOLE: Duration = Duration::from_secs(1);

fn config(base_url: &str) -> Result<HttpConfig, ConfigError> {
    HttpConfig::new(PlatformName::Wechat, base_url, CONNECT, WHOLE)
}

fn client(base_url: &str) -> Client {
    Client::new(&config(base_url).unwrap())
}

fn app() -> AppCredentials {
    app_with(APP_ID, SECRET)
}

fn app_with(id: &str, secret: &str) -> AppCredentials {
    AppCredentials {
        id: AppId::new(id),
        secret: AppSecret::new(secret),
        kind: AppKind::MiniProgram,
    }
}

async fn log_in_with(client: &Client, code: &str) -> Result<Identity, Error> {
    let code = LoginCode::parse(code).unwrap();
    client.code_to_session(&app(), &code).await
}

/// Logs in once at the server.
async fn log_in(server: &Server) -> Result<Identity, Error> {
    log_in_with(&client(&server.url), CODE).await
}

/// Logs in once at a server that sends the bodies in turn, repeating the last one.
async fn log_in_for(bodies: &[&str]) -> Result<Identity, Error> {
    log_in(&Server::replying(bodies)).await
}

#[track_caller]
fn rejection(outcome: Result<Identity, Error>) -> Rejection {
    match outcome {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("{other:?} is no rejection"),
    }
}

#[track_caller]
fn check_class(outcome: Result<Identity, Error>, class: Reason) {
    assert_eq!(rejection(outcome).reason, class);
}
