//! `GET /admin/statistics`: the numbers of users, sessions and logins.

use std::collections::BTreeMap;

use actix_web::{Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::administration::{Administration, Day, Statistics};
use crate::error::ApiError;
use crate::handlers::reply::{Envelope, Success};
use crate::middleware::clock::RequestTime;

/// The numbers. Those of users and sessions may be estimates if there are millions.
#[derive(Serialize, ToSchema)]
struct StatisticsData {
    /// Blocked users included.
    #[schema(examples(1200))]
    users: u64,
    #[schema(examples(3))]
    blocked_users: u64,
    /// Live sessions.
    #[schema(examples(1500))]
    sessions: u64,
    /// The last 30 days, today last. Each process stores its numbers once a minute and when it stops.
    logins_per_day: Vec<DayLogins>,
}

/// The logins of a day.
#[derive(Serialize, ToSchema)]
struct DayLogins {
    /// The day, in UTC.
    #[schema(format = Date, examples("2026-11-24"))]
    day: String,
    #[schema(examples(340))]
    logins: u64,
    /// The logins by AppID. One without logins is absent.
    #[schema(examples(json!({ "wx0123456789abcdef": 340 })))]
    apps: BTreeMap<String, u64>,
}

/// Returns the numbers of users, live sessions and logins.
///
/// # Errors
/// `store_unavailable`.
#[utoipa::path(
    get,
    path = "/admin/statistics",
    responses((status = 200, body = Envelope<StatisticsData>)),
)]
pub async fn get_statistics(
    administration: web::Data<Administration>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    let Statistics {
        users,
        blocked_users,
        sessions,
        days,
    } = administration.statistics(now).await?;
    Ok(Success(StatisticsData {
        users,
        blocked_users,
        sessions,
        logins_per_day: days.into_iter().map(DayLogins::from).collect(),
    }))
}

impl From<Day> for DayLogins {
    fn from(Day { day, logins }: Day) -> Self {
        Self {
            day: day.to_string(),
            logins: logins.values().sum(),
            apps: logins
                .into_iter()
                .map(|(app, logins)| (app.to_string(), logins))
                .collect(),
        }
    }
}
