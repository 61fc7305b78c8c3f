//! The client against servers on loopback sockets that answer raw bytes.
//!
//! Knows what WeChat's documentation and its users saw on the wire.
//! Never knows the project's simulator, which would agree with a mistake that both share.

mod calls;
mod circuit;
mod decryption;
mod doctor;
mod leaks;
mod network;
mod refusals;
mod replies;
mod rows;
mod secrets;
mod server;
mod tls;

use std::time::Duration;

use crate::identity::{AppId, AppSecret, LoginCode};
use crate::platforms::wechat::tests::server::{Act, Server};
use crate::platforms::wechat::{App, Class, Client, Config, Error, Identity, Refusal};

const APP_ID: &str = "wx4f4bc4dec97d474b";
const SECRET: &str = "6a5fc2b0e1d34978a6b5c4d3e2f1a0b9";
const CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";
const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const SESSION_KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";

/// Long enough for a busy machine, short enough to wait for.
const CONNECT: Duration = Duration::from_millis(250);
const WHOLE: Duration = Duration::from_secs(1);

fn client(base_url: &str) -> Client {
    Client::new(&Config::new(base_url, CONNECT, WHOLE).unwrap())
}

fn app() -> App {
    App {
        id: AppId::new(APP_ID),
        secret: AppSecret::new(SECRET),
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

/// Logs in once at a server that answers each request with the next of the bodies, the last one for ever.
async fn log_in_for(bodies: &[&str]) -> Result<Identity, Error> {
    let acts = bodies.iter().map(|body| Act::json(body)).collect();
    log_in(&Server::start(acts)).await
}

#[track_caller]
fn refusal(outcome: Result<Identity, Error>) -> Refusal {
    match outcome {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?} is no refusal"),
    }
}

#[track_caller]
fn check_class(outcome: Result<Identity, Error>, class: Class) {
    assert_eq!(refusal(outcome).class(), class);
}
