//! Serves the app on a real port, with its log captured and two misbehaving routes.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use actix_guarded_server::HttpServer;
use actix_web::{HttpResponse, web};
use weapp_login::app;
use weapp_login::middleware::panics;

use super::capture::Lines;
use crate::harness::TestApp;

/// Serves on a free port until the tests end, with this log format and these settings. Captures the lines of its access log.
pub(crate) fn serve(
    format: &str,
    settings: &'static [(&'static str, &'static str)],
) -> (SocketAddr, Lines) {
    let (lines, format) = (Lines::default(), format.to_owned());
    let (tell, address) = mpsc::channel();
    let caught = lines.clone();
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let log = [
                ("WEAPP_LOG__FORMAT", &*format),
                ("WEAPP_LOG__SKIP", "/livez"),
            ];
            let settings: Vec<_> = log.iter().chain(settings).copied().collect();
            let rig = TestApp::with(&settings).await;
            let parts = rig.parts.clone();
            let factory = move || {
                caught.catch();
                let panicking = web::resource("/panic").wrap_fn(panics::catch);
                app(&parts)
                    .route("/slow", web::to(slow))
                    .service(panicking.to(panic))
            };
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let server = HttpServer::new(factory).workers(1).disable_signals();
            server.listen(listener).unwrap().run().await.unwrap();
        });
    });
    (address.recv().unwrap(), lines)
}

async fn slow() -> HttpResponse {
    actix_rt::time::sleep(Duration::from_mins(1)).await;
    HttpResponse::NoContent().finish()
}

async fn panic() -> HttpResponse {
    panic!("a handler has a bug")
}
