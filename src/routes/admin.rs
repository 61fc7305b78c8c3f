//! The route table of the admin API.

use crate::error::ErrorCode as E;
use crate::handlers::admin::{conflicts, statistics, user, users};
use crate::routes::row::Guard::Admin;
use crate::routes::row::{Endpoint, Row};

/// Returns the table of the admin API, which has a port of its own.
pub fn admin() -> Vec<Row> {
    let statistics = Row::get(
        "/admin/statistics",
        Admin,
        annotated!(statistics::get_statistics),
    )
    .errors([E::StoreUnavailable]);
    let rows = [users(), conflicts(), vec![statistics]];
    rows.into_iter().flatten().collect()
}

fn users() -> Vec<Row> {
    let store = [E::StoreUnavailable];
    vec![
        Row::get("/admin/users", Admin, annotated!(users::list_users))
            .errors([E::UserQueryMalformed])
            .errors(store),
        Row::post("/admin/users/find", Admin, annotated!(users::find_users))
            .errors([E::OpenidMissing])
            .errors(store),
        Row::get("/admin/users/{id}", Admin, annotated!(user::show_user)).errors(store),
        Row::delete("/admin/users/{id}", Admin, annotated!(user::remove_user))
            .errors(store)
            .errors([E::AvatarUnavailable]),
        Row::post(
            "/admin/users/{id}/block",
            Admin,
            annotated!(user::block_user),
        )
        .errors([E::ReasonMalformed])
        .errors(store),
        Row::post(
            "/admin/users/{id}/unblock",
            Admin,
            annotated!(user::unblock_user),
        )
        .errors(store),
        Row::delete(
            "/admin/users/{id}/sessions",
            Admin,
            annotated!(user::end_sessions),
        )
        .errors(store),
        Row::delete(
            "/admin/users/{id}/sessions/{session}",
            Admin,
            annotated!(user::end_session),
        )
        .errors(store),
    ]
}

fn conflicts() -> Vec<Row> {
    let store = [E::StoreUnavailable];
    vec![
        Row::get(
            "/admin/conflicts",
            Admin,
            annotated!(conflicts::list_conflicts),
        )
        .errors([E::ConflictQueryMalformed])
        .errors(store),
        Row::post(
            "/admin/conflicts/{kept}/{other}",
            Admin,
            annotated!(conflicts::decide_conflict),
        )
        .errors([E::DecisionMalformed, E::ConflictOfBlockedUser])
        .errors([E::ConflictHasLaterMerge])
        .errors(store),
    ]
}

/// Returns the endpoints of the admin API, for its OpenAPI document.
pub fn admin_endpoints() -> Vec<Endpoint> {
    admin().iter().map(|row| (**row).clone()).collect()
}
