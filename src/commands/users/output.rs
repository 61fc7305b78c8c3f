//! Users as lines of JSON and as a table.

use serde::Serialize;
use weapp_login::administration::Administration;
use weapp_login::identity::AppId;
use weapp_login::session::User;
use weapp_login::store::{Decision, UserConflict, UserIdentity};
use weapp_login::time::rfc3339;

/// A user in JSON. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openid: Option<String>,
    nickname: Option<&'a str>,
    avatar_url: Option<&'a str>,
    created_at: String,
    block: Option<BlockLine<'a>>,
}

/// A block in JSON.
#[derive(Serialize)]
struct BlockLine<'a> {
    at: String,
    reason: Option<&'a str>,
}

/// Formats a user as a line of JSON.
pub(super) fn user_line(user: &User, administration: &Administration) -> String {
    let openid = administration.openid(user);
    let line = Line {
        id: user.id.to_string(),
        app: user.app.as_ref().map(AppId::as_str),
        openid: openid.map(|openid| openid.expose().to_owned()),
        nickname: user.profile.nickname.as_deref(),
        avatar_url: user.profile.avatar_url.as_deref(),
        created_at: rfc3339(user.created_at),
        block: user.block.as_ref().map(|block| BlockLine {
            at: rfc3339(block.at),
            reason: block.reason.as_deref(),
        }),
    };
    // A struct of strings always serializes.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// Formats users as a table.
pub(super) fn user_table(users: &[User]) -> String {
    if users.is_empty() {
        return "no users\n".to_owned();
    }
    let heads = ["user", "app", "created", "blocked", "nickname"];
    let rows = users.iter().map(|user| {
        let app = user.app.as_ref().map_or("", AppId::as_str);
        let blocked = user.block.as_ref();
        let blocked = blocked.map_or_else(String::new, |block| format!("{:.0}", block.at));
        let nickname = user.profile.nickname.as_deref().unwrap_or_default();
        let created = format!("{:.0}", user.created_at);
        row([&user.id.to_string(), app, &created, &blocked, nickname])
    });
    std::iter::once(row(heads)).chain(rows).collect()
}

/// Formats the identities of a user who has several, and the conflicts without a decision, as lines.
pub(super) fn identity_lines(identities: &[UserIdentity], conflicts: &[UserConflict]) -> String {
    let several = identities.iter().filter(|_one| identities.len() > 1);
    let identities = several.map(|identity| {
        let app = identity
            .app
            .as_ref()
            .map_or("an unknown app", AppId::as_str);
        format!("in {app} since {:.0}\n", identity.created_at)
    });
    let conflicts = conflicts.iter().map(|conflict| {
        let UserConflict { kept, other, .. } = conflict;
        format!("open conflict: {kept} and {other}; see `users conflicts --help`\n")
    });
    identities.chain(conflicts).collect()
}

/// A conflict in JSON.
#[derive(Serialize)]
struct ConflictLine {
    kept: String,
    other: String,
    found_at: String,
    decision: Option<&'static str>,
    decided_at: Option<String>,
}

/// Formats a conflict as a line of JSON.
pub(super) fn conflict_line(conflict: &UserConflict) -> String {
    let line = ConflictLine {
        kept: conflict.kept.to_string(),
        other: conflict.other.to_string(),
        found_at: rfc3339(conflict.found_at),
        decision: conflict.decision.map(Decision::as_str),
        decided_at: conflict.decided_at.map(rfc3339),
    };
    // A struct of strings always serializes.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// Formats conflicts as a table.
pub(super) fn conflict_table(conflicts: &[UserConflict]) -> String {
    if conflicts.is_empty() {
        return "no conflicts\n".to_owned();
    }
    let row = |[kept, other, found, decision]: [&str; 4]| {
        format!("{kept:<32}  {other:<32}  {found:<20}  {decision}\n")
    };
    let rows = conflicts.iter().map(|conflict| {
        let (kept, other) = (conflict.kept.to_string(), conflict.other.to_string());
        let found = format!("{:.0}", conflict.found_at);
        row([
            &kept,
            &other,
            &found,
            conflict.decision.map_or("open", Decision::as_str),
        ])
    });
    let heads = row(["kept", "other", "found", "decision"]);
    std::iter::once(heads).chain(rows).collect()
}

/// Formats a row of the table. All columns except the last have a fixed width.
fn row([user, app, created, blocked, nickname]: [&str; 5]) -> String {
    let line = format!("{user:<32}  {app:<18}  {created:<20}  {blocked:<20}  {nickname}");
    line.trim_end().to_owned() + "\n"
}
