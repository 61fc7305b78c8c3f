//! actix-web with one worker and a fixed response to `/login` and `/session`.

use std::error::Error;

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};

pub(crate) async fn serve(port: u16, status: u16, body: String) -> Result<(), Box<dyn Error>> {
    let status = StatusCode::from_u16(status)?;
    let body = web::Bytes::from(body);
    let server = HttpServer::new(move || {
        let body = body.clone();
        let reply = move || {
            let body = body.clone();
            async move {
                HttpResponse::build(status)
                    .content_type("application/json; charset=utf-8")
                    .body(body)
            }
        };
        // Receives the body, as any server must, and ignores it.
        let login = {
            let reply = reply.clone();
            move |_received: web::Bytes| reply()
        };
        App::new()
            .route("/livez", web::get().to(HttpResponse::Ok))
            .route("/session", web::get().to(reply))
            .route("/login", web::post().to(login))
    });
    Ok(server.workers(1).bind(("127.0.0.1", port))?.run().await?)
}
