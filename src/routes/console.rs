//! The route tables of the console, which are not part of the API.

use actix_web::middleware::from_fn;
use actix_web::web::to;

use crate::handlers::admin::{conflicts, statistics, user, users};
use crate::handlers::console;
use crate::middleware::console_access;
use crate::routes::row::{Guard, Row};

/// Returns the rows of the console for development, on the server's port. Those with data have a guard of their own.
pub fn console() -> Vec<Row> {
    use Guard::Open;
    let data = [
        Row::get("/console/events", Open, to(console::get_events)),
        Row::get("/console/state", Open, to(console::get_state)),
        Row::get("/console/settings", Open, to(console::get_settings)),
        Row::get(
            "/console/errcodes/{errcode}",
            Open,
            to(console::explain_errcode),
        ),
        Row::get("/console/users", Open, to(users::list_users)),
        Row::post("/console/users/find", Open, to(users::find_users)),
        Row::get("/console/users/{id}", Open, to(user::show_user)),
        Row::delete("/console/users/{id}", Open, to(user::remove_user)),
        Row::post("/console/users/{id}/block", Open, to(user::block_user)),
        Row::post("/console/users/{id}/unblock", Open, to(user::unblock_user)),
        Row::delete("/console/users/{id}/sessions", Open, to(user::end_sessions)),
        Row::delete(
            "/console/users/{id}/sessions/{session}",
            Open,
            to(user::end_session),
        ),
        Row::get("/console/conflicts", Open, to(conflicts::list_conflicts)),
        Row::post(
            "/console/conflicts/{kept}/{other}",
            Open,
            to(conflicts::decide_conflict),
        ),
        Row::get("/console/statistics", Open, to(statistics::get_statistics)),
    ];
    let guarded = |row: Row| row.map_route(|route| route.wrap(from_fn(console_access::require)));
    data.map(guarded).into_iter().chain(files()).collect()
}

/// Returns the rows of the console for operators, on the admin port. Its other data is the admin API.
pub fn admin_console() -> Vec<Row> {
    use Guard::Admin;
    let data = [
        Row::get("/console/events", Admin, to(console::get_events)),
        Row::get("/console/state", Admin, to(console::get_state)),
        Row::get(
            "/console/errcodes/{errcode}",
            Admin,
            to(console::explain_errcode),
        ),
    ];
    data.into_iter().chain(files()).collect()
}

/// Returns the rows of the page and its files, which have no data.
fn files() -> [Row; 2] {
    [
        Row::get("/", Guard::Open, to(console::get_page)),
        Row::get("/console/{file}", Guard::Open, to(console::get_file)),
    ]
}
