//! How answers leave, and how faults befall them on the way.
//!
//! Knows how WeChat wraps an answer (200, `text/plain`), and how to carry out a fault.
//! Never knows when a fault is due, or what the answer says.

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
use serde_json::Value;
use socket2::{SockRef, Socket};

use super::asked::RecordedRequest;
use super::faults::Fault;
use super::refusal::errmsg_of;
use super::state::State;

/// The page of nginx for a backend that is down.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// An answer as WeChat wraps it: 200 whatever it says, and `text/plain` although it is JSON.
pub(super) fn plain(body: &Value) -> HttpResponse {
    wrapped("text/plain", body.to_string().into())
}

/// Answers as the fault will have it.
pub(super) async fn misbehave(
    fault: Fault,
    state: &State,
    asked: &RecordedRequest,
    request: &HttpRequest,
) -> HttpResponse {
    match fault {
        Fault::Raw {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            HttpResponse::build(status)
                .insert_header((CONTENT_TYPE, content_type))
                .body(body)
        }
        Fault::BadGateway => HttpResponse::BadGateway()
            .insert_header((CONTENT_TYPE, "text/html"))
            .body(BAD_GATEWAY),
        Fault::Errcode { errcode, errmsg } => {
            let errmsg = errmsg.unwrap_or_else(|| errmsg_of(errcode).to_owned());
            plain(&state.refuse(asked, errcode, &errmsg))
        }
        Fault::IpNotAllowed => plain(&state.refuse(asked, 40164, &address_refused(asked))),
        Fault::InvalidateAccessTokens => {
            state.clobber(asked);
            plain(&state.answer(asked))
        }
        Fault::Truncate => {
            let mut body = state.answer(asked).to_string().into_bytes();
            body.truncate(body.len() / 2);
            wrapped("text/plain", body)
        }
        Fault::ContentType { content_type } => {
            wrapped(&content_type, state.answer(asked).to_string().into())
        }
        Fault::Delay { by } => {
            let answer = state.answer(asked);
            sleep(by).await;
            plain(&answer)
        }
        Fault::Silence => pending().await,
        Fault::ResetBefore => reset(request),
        Fault::ResetAfter => {
            drop(state.answer(asked));
            reset(request)
        }
        Fault::Redirect { location } => HttpResponse::build(StatusCode::FOUND)
            .insert_header((LOCATION, location))
            .finish(),
    }
}

/// Keeps a second handle on the connection's socket, by which [`reset`] reaches it.
pub(super) fn keep_socket(connection: &dyn Any, kept: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(Ok(socket)) = stream.map(|stream| SockRef::from(stream).try_clone()) {
        kept.insert(socket);
    }
}

fn wrapped(content_type: &str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .body(body)
}

fn address_refused(asked: &RecordedRequest) -> String {
    let caller = asked.caller.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (plain, mapped) = match caller.to_canonical() {
        IpAddr::V4(ip) => (ip.to_string(), ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => (ip.to_string(), ip),
    };
    format!("invalid ip {plain} ipv6 {mapped}, not in whitelist")
}

/// Resets the request's connection without a byte of an answer.
///
/// With a linger time of zero, to close is to reset; and actix closes, before it has sent the head, when a body fails.
fn reset(request: &HttpRequest) -> HttpResponse {
    let socket = request.conn_data::<Socket>();
    if let Some(Err(error)) = socket.map(|socket| socket.set_linger(Some(Duration::ZERO))) {
        log::error!("the WeChat simulator closes a connection that it cannot reset: {error}");
    }
    let failure = io::Error::other("the WeChat simulator resets this connection, as ordered");
    HttpResponse::Ok().streaming(stream::once(ready(Err::<Bytes, _>(failure))))
}
