//! A small server that answers `POST /login` as the contract with Express wants it.
//!
//! Knows the middleware under test. Never knows WeChat: any 32 letters and digits are a code once.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, ResponseError, web};
use serde::Deserialize;
use weapp_login::error::{ApiError, ErrorCode};
use weapp_login::middleware::access_log::AccessLog;
use weapp_login::middleware::json::{Json, JsonConfig, Text};

use super::capture::Lines;

type Spent = web::Data<Mutex<HashSet<String>>>;

#[derive(Deserialize)]
struct LoginRequest {
    #[serde(default)]
    code: Text,
}

/// Serves on a port of its own until the tests are over, and catches the lines of its log.
pub(crate) fn serve(format: &str, json: JsonConfig) -> (SocketAddr, Lines) {
    let log = AccessLog::new(format, &["/livez".to_owned()], false).unwrap();
    let lines = Lines::default();
    let (address, server) = bind(0, log, json, {
        let lines = lines.clone();
        move || lines.catch()
    });
    std::thread::spawn(|| actix_web::rt::System::new().block_on(server));
    (address, lines)
}

fn bind(
    port: u16,
    log: AccessLog,
    json: JsonConfig,
    on_worker: impl Fn() + Clone + Send + 'static,
) -> (SocketAddr, Server) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let address = listener.local_addr().unwrap();
    let spent = web::Data::from(Arc::new(Mutex::new(HashSet::new())));
    let app = move || {
        on_worker();
        let login = web::resource("/login").route(web::post().to(login));
        App::new()
            .app_data(json.clone())
            .app_data(Spent::clone(&spent))
            .service(login.default_service(web::to(other_method)))
            .route("/slow", web::to(slow))
            .route("/panic", web::to(panic))
            .default_service(web::to(not_found))
            .wrap(from_fn(forgive_path))
            .wrap(log.clone())
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    (address, server.listen(listener).unwrap().run())
}

async fn slow() -> HttpResponse {
    actix_web::rt::time::sleep(Duration::from_mins(1)).await;
    HttpResponse::NoContent().finish()
}

async fn panic() -> HttpResponse {
    panic!("a handler has a bug")
}

async fn login(spent: Spent, Json(request): Json<LoginRequest>) -> Result<HttpResponse, ApiError> {
    let code = match request.code {
        Text::Absent => return Err(ErrorCode::CodeMissing.into()),
        Text::Text(code) if (1..=512).contains(&code.len()) => code,
        Text::Text(_) | Text::OtherKind => return Err(ErrorCode::CodeMalformed.into()),
    };
    if code.len() != 32 || !code.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return Err(ErrorCode::LoginCodeInvalid.into());
    }
    if !spent.lock().unwrap().insert(code) {
        return Err(ErrorCode::LoginCodeUsed.into());
    }
    Ok(HttpResponse::Ok().json(serde_json::json!({"code": 0, "message": "success!"})))
}

async fn other_method(request: HttpRequest) -> HttpResponse {
    let mut reply = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().finish()
    } else {
        ApiError::from(ErrorCode::MethodNotAllowed).error_response()
    };
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    reply
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::NotFound.into())
}

/// Express matches paths in any case, and with one slash at the end.
async fn forgive_path(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let path = request.path();
    if path.eq_ignore_ascii_case("/login") || path.eq_ignore_ascii_case("/login/") {
        let uri = "/login".parse().unwrap();
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
    next.call(request).await
}
