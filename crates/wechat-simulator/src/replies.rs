//! HTTP responses of WeChat's endpoints, with and without faults.

use std::any::Any;
use std::future::{pending, ready};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use socket2::{SockRef, Socket};

use crate::endpoints::{error_reply, invalidate_access_tokens, reply};
use crate::errors::errmsg_of;
use crate::faults::Fault;
use crate::request_log::RecordedRequest;
use crate::state::Shared;

/// WeChat sends JSON as plain text.
const TEXT_PLAIN: &str = "text/plain";

/// The page of nginx for a backend that is down.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Processes a request and returns the response.
pub(crate) fn respond(shared: &Shared, request: &RecordedRequest) -> HttpResponse {
    ok(TEXT_PLAIN, process(shared, request))
}

/// Returns the response with a fault.
pub(crate) async fn respond_with_fault(
    fault: Fault,
    shared: &Shared,
    request: &RecordedRequest,
    http: &HttpRequest,
) -> HttpResponse {
    match fault {
        Fault::Raw {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, &content_type, body)
        }
        Fault::BadGateway => response(StatusCode::BAD_GATEWAY, "text/html", BAD_GATEWAY.into()),
        Fault::Errcode { errcode, errmsg } => {
            let errmsg = errmsg.unwrap_or_else(|| errmsg_of(errcode).to_owned());
            error(shared, request, errcode, &errmsg)
        }
        Fault::IpNotAllowed => error(shared, request, 40164, &ip_not_allowed(request)),
        Fault::InvalidateAccessTokens => {
            invalidate_access_tokens(&mut shared.lock(), request);
            respond(shared, request)
        }
        Fault::Truncate => {
            let mut body = process(shared, request);
            body.truncate(body.len() / 2);
            ok(TEXT_PLAIN, body)
        }
        Fault::ContentType { content_type } => ok(&content_type, process(shared, request)),
        Fault::Delay { by } => {
            let response = respond(shared, request);
            sleep(by).await;
            response
        }
        Fault::Silence => pending().await,
        Fault::ResetBefore => reset(http),
        Fault::ResetAfter => {
            process(shared, request);
            reset(http)
        }
        Fault::Redirect { location } => HttpResponse::Found()
            .insert_header((LOCATION, location))
            .finish(),
    }
}

/// Keeps a second handle of the connection's socket, for [`reset`].
pub(crate) fn keep_socket(connection: &dyn Any, extensions: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(Ok(socket)) = stream.map(|stream| SockRef::from(stream).try_clone()) {
        extensions.insert(socket);
    }
}

fn process(shared: &Shared, request: &RecordedRequest) -> Vec<u8> {
    reply(&mut shared.lock(), request).to_string().into()
}

fn error(shared: &Shared, request: &RecordedRequest, errcode: i64, errmsg: &str) -> HttpResponse {
    let reply = error_reply(&mut shared.lock(), request, errcode, errmsg);
    ok(TEXT_PLAIN, reply.to_string().into())
}

fn ok(content_type: &str, body: Vec<u8>) -> HttpResponse {
    response(StatusCode::OK, content_type, body)
}

fn response(status: StatusCode, content_type: &str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, content_type))
        .body(body)
}

fn ip_not_allowed(request: &RecordedRequest) -> String {
    let client = request.client.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let client = client.to_canonical();
    let mapped = match client {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    format!("invalid ip {client} ipv6 {mapped}, not in whitelist")
}

/// Resets the connection without sending a byte.
///
/// With a linger time of zero, closing resets the connection; and actix closes it without sending the head when a body
/// fails.
fn reset(http: &HttpRequest) -> HttpResponse {
    let socket = http.conn_data::<Socket>();
    if let Some(Err(error)) = socket.map(|socket| socket.set_linger(Some(Duration::ZERO))) {
        log::error!(
            "the WeChat simulator cannot reset a connection, and closes it instead: {error}"
        );
    }
    let failure =
        io::Error::other("the WeChat simulator resets this connection because of a fault");
    HttpResponse::Ok().streaming(stream::once(ready(Err::<Bytes, _>(failure))))
}
