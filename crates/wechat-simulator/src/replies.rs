//! HTTP replies of WeChat's endpoints, with and without faults.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};

use crate::endpoint::content_type_of;
use crate::endpoints::{Content, error_content, invalidate_access_tokens, process};
use crate::errors::errmsg_of;
use crate::faults::Fault;
use crate::reply::{Outcome, Reply};
use crate::request_log::RecordedRequest;
use crate::state::Shared;

/// The page of nginx for a backend that is down.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Allows pages to load nothing.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The year 10000, from which on an HTTP date does not exist.
const END_OF_DATES: u64 = 253_402_300_800;

/// Records and processes a request.
pub(crate) async fn respond(shared: &Shared, request: &RecordedRequest) -> Outcome {
    let fault = {
        let mut state = shared.lock();
        state.requests.push(request.shortened());
        state.faults.take(&request.path)
    };
    let outcome = match fault {
        None => Outcome::Reply(reply_to(shared, request)),
        Some(fault) => respond_with_fault(fault, shared, request).await,
    };
    match outcome {
        Outcome::Reply(reply) => Outcome::Reply(dated(reply, shared)),
        Outcome::Silence | Outcome::Reset => outcome,
    }
}

async fn respond_with_fault(fault: Fault, shared: &Shared, request: &RecordedRequest) -> Outcome {
    let family = content_type_of(&request.path);
    Outcome::Reply(match fault {
        Fault::Raw {
            status,
            content_type,
            body,
        } => Reply::new(status, content_type.as_deref().unwrap_or(family), body),
        Fault::BadGateway => Reply::new(502, "text/html", BAD_GATEWAY),
        Fault::Errcode { errcode, errmsg } => {
            let errmsg = errmsg.unwrap_or_else(|| errmsg_of(errcode).to_owned());
            error(shared, request, errcode, &errmsg)
        }
        Fault::IpNotAllowed => error(shared, request, 40164, &ip_not_allowed(request)),
        Fault::InvalidateAccessTokens => {
            invalidate_access_tokens(&mut shared.lock(), request);
            reply_to(shared, request)
        }
        Fault::Truncate => {
            let mut reply = reply_to(shared, request);
            reply.body.truncate(reply.body.len() / 2);
            reply
        }
        Fault::ContentType { content_type } => {
            Reply::new(200, &content_type, reply_to(shared, request).body)
        }
        Fault::Delay { by } => {
            let reply = reply_to(shared, request);
            tokio::time::sleep(by).await;
            reply
        }
        Fault::Silence => return Outcome::Silence,
        Fault::ResetBefore => return Outcome::Reset,
        Fault::ResetAfter => {
            reply_to(shared, request);
            return Outcome::Reset;
        }
        Fault::Redirect { location } => Reply::redirect(location),
    })
}

fn reply_to(shared: &Shared, request: &RecordedRequest) -> Reply {
    let content = process(&mut shared.lock(), request);
    reply(request, content)
}

fn error(shared: &Shared, request: &RecordedRequest, errcode: i64, errmsg: &str) -> Reply {
    let content = error_content(&mut shared.lock(), request, errcode, errmsg);
    reply(request, content)
}

fn reply(request: &RecordedRequest, content: Content) -> Reply {
    match content {
        Content::Json(object) => Reply::new(200, content_type_of(&request.path), object.to_wire()),
        Content::Html(page) => Reply::new(200, "text/html; charset=utf-8", page)
            .with("content-security-policy", PAGE_POLICY),
        Content::Redirect(url) => Reply::redirect(url),
        Content::Jpeg(picture) => Reply::new(200, "image/jpeg", picture),
    }
}

/// Adds the date of the simulator's clock.
fn dated(reply: Reply, shared: &Shared) -> Reply {
    let seconds = shared.lock().now().as_secs();
    if seconds >= END_OF_DATES {
        return reply;
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    reply.with("date", date)
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
