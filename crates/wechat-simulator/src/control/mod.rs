//! The control API: what a test in any language orders of a running simulator, as JSON under `/simulator`.
//!
//! Knows paths and JSON; all that can be ordered can be ordered through [`Simulator`](super::Simulator) too.
//! Never knows how an order is carried out, or a socket.
//!
//! # The control API
//!
//! `weapp-login simulate` answers WeChat's endpoints at WeChat's paths, and orders under `/simulator`. Bodies and answers are
//! JSON. An order that cannot be followed is answered 400 (what was sent), 404 (what was named) or 405 (the method), with
//! `{"error": "…"}` in words; an unknown member is an error too. Users need no registration: any name is one.
//! `?app_id=` chooses the app; without it, it is the first.
//!
//! | order | body | answer |
//! |---|---|---|
//! | `GET /simulator` | | `{now, apps, users}` |
//! | `GET /simulator/apps` | | `{apps: [{app_id, app_secret, open_platform}]}` |
//! | `POST /simulator/apps` | `{name}` or `{app_id, app_secret}`, with `open_platform` (any name) if it is to have unionids | the app |
//! | `POST /simulator/apps/{app_id}/invalidate-access-tokens` | | `{}`; the access tokens that are out are refused from now on: 40001 |
//! | `GET /simulator/users` | | `{users: [name]}`, those who were spoken of here |
//! | `GET /simulator/users/{name}` | | `{name, app_id, openid, unionid, session_key, phone_number, country_code, nickname, avatar_url, blocked}` |
//! | `PUT /simulator/users/{name}` | any of `phone_number`, `country_code`, `nickname`, `avatar_url`, `blocked` | the same |
//! | `POST /simulator/users/{name}/login-code` | | `{code, expires_in}`, as `wx.login` |
//! | `POST /simulator/users/{name}/phone-code` | | `{code, expires_in}`, as a `getPhoneNumber` button |
//! | `POST /simulator/users/{name}/plugin-code` | | `{code, expires_in}`, as `wx.pluginLogin` |
//! | `POST /simulator/users/{name}/encrypted-data` | `{kind}`: `user_info`, `phone_number`, `share_info` (`group` if it matters) or `object` (with `data`); `watermark: {appid, timestamp}` if it is to lie | `{encryptedData, iv, rawData, signature}`, the last two with `user_info`, as the event's `detail` |
//! | `POST /simulator/users/{name}/encrypt-key` | | `{encryptKey, iv, version, expireTime}`, as `getLatestUserKey` |
//! | `POST /simulator/users/{name}/payments` | `{transaction_id}` or `{mch_id, out_trade_no}` | `{}` |
//! | `GET /simulator/clock` | | `{now}`, in seconds since 1970 |
//! | `POST /simulator/clock` | `{advance_seconds}` | `{now}` |
//! | `GET /simulator/session-keys` | | `{rotate_at, rotation_percent, lifetime_seconds}` |
//! | `PUT /simulator/session-keys` | any of `rotate_at` (`issue` or `exchange`), `rotation_percent`, `lifetime_seconds` | the same |
//! | `POST /simulator/faults` | `{endpoint, fault: {kind, …}}` for the next answer, with `times` for so many, with `always` for all | `{}` |
//! | `DELETE /simulator/faults` | | `{}`; with `?endpoint=` those of one endpoint |
//! | `PUT /simulator/limits` | `{endpoint, per_minute, per_day}`; over them 45011 and 45009 | `{}` |
//! | `DELETE /simulator/limits` | | `{}` |
//! | `GET /simulator/requests` | | `{requests: [{method, path, query, body}]}`, the last thousand, secrets as `***`; with `?path=` those of one path |
//! | `DELETE /simulator/requests` | | `{}` |
//! | `POST /simulator/reset` | | `{}`; forgets all but the apps and the time |
//!
//! `endpoint` is a path, as `/sns/jscode2session`. A fault's `kind` is one of:
//!
//! | kind | members | what happens |
//! |---|---|---|
//! | `errcode` | `errcode`, `errmsg` | it refuses with this number; `-1` with `times` is a burst of a busy WeChat |
//! | `delay` | `milliseconds` | it does what was asked at once, and answers late |
//! | `silence` | | it never answers |
//! | `reset_before`, `reset_after` | | it resets the connection, before or after doing what was asked |
//! | `truncate` | | it does what was asked, and answers the first half |
//! | `bad_gateway` | | 502 with a gateway's HTML page |
//! | `content_type` | `content_type` | the true answer under a wrong name |
//! | `raw` | `body`, `status`, `content_type` | this very answer |
//! | `redirect` | `location` | 302 |
//! | `invalidate_access_tokens` | | a rival server renews the access token just before: 40001 |
//! | `ip_not_allowed` | | 40164, with the caller's address |

mod apps;
mod faults;
mod keys;
mod minting;
mod order;
mod people;
mod requests;
mod time;

use serde_json::{Value, json};

use super::state::State;
pub(super) use order::{Complaint, Order};

/// Whether a path is the control API's.
pub(super) fn is_at(path: &str) -> bool {
    path == "/simulator" || path.starts_with("/simulator/")
}

/// Carries one order out.
pub(super) fn answer(state: &State, order: &Order) -> Result<Value, Complaint> {
    let segments: Vec<&str> = order.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => order.only("GET").map(|()| overview(state)),
        ["apps"] => apps::all(state, order),
        ["apps", app_id, "invalidate-access-tokens"] => apps::clobber(state, order, app_id),
        ["clock"] => time::clock(state, order),
        ["faults"] => faults::faults(state, order),
        ["limits"] => faults::limits(state, order),
        ["requests"] => requests::requests(state, order),
        ["session-keys"] => keys::laws(state, order),
        ["reset"] => order.only("POST").map(|()| reset(state)),
        ["users"] => people::all(state, order),
        ["users", name] => people::one(state, order, name),
        ["users", name, "encrypted-data"] => minting::encrypted_data(state, order, name),
        ["users", name, what] => people::give(state, order, name, what),
        _ => Err(order.not_found()),
    }
}

fn overview(state: &State) -> Value {
    json!({
        "now": state.clock.now().as_secs(),
        "apps": apps::shown(state),
        "users": state.world().people.names(),
    })
}

fn reset(state: &State) -> Value {
    state.reset();
    json!({})
}
