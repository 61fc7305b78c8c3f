//! `bare-axum PORT STATUS BODY`: axum on one thread, answering every request to `/login` and `/session` alike.
//!
//! Knows the body's bytes. Never knows what they say.

use std::env;
use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, port, status, body] = arguments.as_slice() else {
        return Err("bare-axum PORT STATUS BODY".into());
    };
    let (port, status): (u16, StatusCode) = (port.parse()?, status.parse()?);
    let body = Bytes::from(body.clone());
    let reply = move || {
        let json = [(CONTENT_TYPE, "application/json; charset=utf-8")];
        let reply = (status, json, body.clone());
        async move { reply }
    };
    // The body is received, as any server must, and not looked at.
    let login = {
        let reply = reply.clone();
        move |_received: Bytes| reply()
    };
    let app = Router::new()
        .route("/livez", get(StatusCode::OK))
        .route("/session", get(reply))
        .route("/login", post(login));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(axum::serve(listener, app).await?)
    })
}
