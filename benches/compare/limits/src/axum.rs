//! axum with one thread and a fixed response to `/login` and `/session`.

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use tokio::net::TcpListener;

pub(crate) fn serve(port: u16, status: u16, body: String) -> Result<(), Box<dyn Error>> {
    let status = StatusCode::from_u16(status)?;
    let body = Bytes::from(body);
    let reply = move || {
        let json = [(CONTENT_TYPE, "application/json; charset=utf-8")];
        let reply = (status, json, body.clone());
        async move { reply }
    };
    // Receives the body, as any server must, and ignores it.
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
