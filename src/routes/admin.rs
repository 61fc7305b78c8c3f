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
    );
    let rows = [users(), conflicts(), vec![statistics]];
    let rows = rows.into_iter().flatten();
    rows.map(|row| row.errors([E::StoreUnavailable])).collect()
}

fn users() -> Vec<Row> {
    vec![
        Row::get("/admin/users", Admin, annotated!(users::list_users))
            .errors([E::UserQueryMalformed]),
        Row::post("/admin/users/find", Admin, annotated!(users::find_users))
            .errors([E::OpenidMissing]),
        Row::get("/admin/users/{id}", Admin, annotated!(user::show_user)),
        Row::delete("/admin/users/{id}", Admin, annotated!(user::remove_user))
            .errors([E::AvatarUnavailable]),
        Row::post(
            "/admin/users/{id}/block",
            Admin,
            annotated!(user::block_user),
        )
        .errors([E::ReasonMalformed]),
        Row::post(
            "/admin/users/{id}/unblock",
            Admin,
            annotated!(user::unblock_user),
        ),
        Row::delete(
            "/admin/users/{id}/sessions",
            Admin,
            annotated!(user::end_sessions),
        ),
        Row::delete(
            "/admin/users/{id}/sessions/{session}",
            Admin,
            annotated!(user::end_session),
        ),
    ]
}

fn conflicts() -> Vec<Row> {
    vec![
        Row::get(
            "/admin/conflicts",
            Admin,
            annotated!(conflicts::list_conflicts),
        )
        .errors([E::ConflictQueryMalformed]),
        Row::post(
            "/admin/conflicts/{kept}/{other}",
            Admin,
            annotated!(conflicts::decide_conflict),
        )
        .errors([E::DecisionMalformed, E::ConflictOfBlockedUser])
        .errors([E::ConflictHasLaterMerge]),
    ]
}

/// Returns the endpoints of the admin API, for its OpenAPI document.
pub fn admin_endpoints() -> Vec<Endpoint> {
    admin().iter().map(|row| (**row).clone()).collect()
}
