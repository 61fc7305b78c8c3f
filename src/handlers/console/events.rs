//! `GET /console/events`: the events as they occur, as server-sent events.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use futures_util::stream;
use tokio::time::{sleep, timeout};

use crate::console::{Hub, Page};
use crate::error::{ApiError, ErrorCode};
use crate::readiness::Readiness;

/// Time for which events are collected, so that a page gets at most twenty batches per second.
const BATCH: Duration = Duration::from_millis(50);

/// Interval at which the stream looks whether the server stops, and the number of intervals without an event after which it
/// sends a comment, so that a proxy keeps the connection. Our choice.
const INTERVAL: Duration = Duration::from_secs(1);
const QUIET_INTERVALS: u32 = 15;

/// The text of the stream for one page.
struct Events {
    page: Page,
    readiness: web::Data<Readiness>,
    is_new: bool,
}

/// Streams the events. `Last-Event-ID` names the last one that the page has seen. Ends when the server stops.
///
/// # Errors
/// `too_many_requests` if there are too many pages.
pub async fn get_events(
    hub: web::Data<Hub>,
    readiness: web::Data<Readiness>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    let seen = request.headers().get("last-event-id");
    let seen = seen.and_then(|seen| seen.to_str().ok()?.parse().ok());
    let page = Arc::clone(&hub).open(seen);
    let events = Events {
        page: page.ok_or(ErrorCode::TooManyRequests)?,
        readiness,
        is_new: true,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(events, async |mut events| {
            let text = events.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(text)), events))
        })))
}

impl Events {
    /// Waits for the next events; `None` when the server stops.
    async fn next(&mut self) -> Option<String> {
        if std::mem::take(&mut self.is_new) {
            // The page shows that it is connected before the first event.
            return Some(": connected\n\n".to_owned());
        }
        for _ in 0..QUIET_INTERVALS {
            if self.readiness.is_draining() {
                return None;
            }
            let text = self.take();
            if !text.is_empty() {
                return Some(text);
            }
            if timeout(INTERVAL, self.page.changed()).await.is_ok() {
                sleep(BATCH).await;
            }
        }
        Some(": still connected\n\n".to_owned())
    }

    /// Returns the text of the events since the last call.
    fn take(&mut self) -> String {
        let (events, missed) = self.page.take();
        let mut text = String::new();
        if missed > 0 {
            // Writing to a string does not fail.
            write!(text, "event: missed\ndata: {{\"count\":{missed}}}\n\n").unwrap_or_default();
        }
        for event in events {
            let (id, kind, data) = (self.page.position(&event), event.kind, event.data);
            write!(text, "id: {id}\nevent: {kind}\ndata: {data}\n\n").unwrap_or_default();
        }
        text
    }
}
