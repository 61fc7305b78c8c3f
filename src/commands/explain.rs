//! `weapp-login explain 40029`: explains an error number of WeChat and the error that a client gets.

use std::fmt::Write as _;

use weapp_login::error::{ErrorCode, code_for};
use weapp_login::platforms::Reason;
use weapp_login::platforms::wechat::errcode::{self, Row};

use crate::commands::{Failure, print};

/// Prints the rows that match a number or text, or the whole table.
pub(crate) fn run(query: Option<&str>) -> Result<(), Failure> {
    let text = match query {
        None => table(),
        Some(query) => explain(query)?,
    };
    print(text.as_bytes())
}

fn explain(query: &str) -> Result<String, Failure> {
    let rows = errcode::search(query);
    if rows.is_empty() {
        return Err(Failure::message(unknown(query)));
    }
    let rows: Vec<String> = rows.into_iter().map(describe).collect();
    Ok(rows.join("\n"))
}

fn describe(row: &Row) -> String {
    let mut text = format!("{row}\n");
    // Writing to a string does not fail.
    if let Some(code) = login_error(row) {
        let (status, name) = (code.status().as_u16(), code.name());
        writeln!(text, "  login error   {status} {name}").unwrap_or_default();
    }
    text
}

/// Returns the error of a login that gets this number from WeChat, if it can get it.
fn login_error(row: &Row) -> Option<ErrorCode> {
    (!row.is_client_side() && row.reason != Reason::Success).then(|| code_for(row.reason))
}

fn table() -> String {
    let mut text = String::new();
    for row in errcode::all() {
        let name = login_error(row).map_or("-", ErrorCode::name);
        let (errcode, errmsg, meaning) = (row.errcode, row.errmsg, row.meaning);
        writeln!(text, "{errcode:>6}  {name:<22}  {errmsg}: {meaning}").unwrap_or_default();
    }
    text
}

fn unknown(query: &str) -> String {
    let Ok(number) = query.trim().parse() else {
        return format!(
            "no errcode has `{query}` in its message\n  hint: run `explain` without an argument to print the whole table"
        );
    };
    let nearest: Vec<String> = errcode::nearest(number)
        .iter()
        .map(i64::to_string)
        .collect();
    format!(
        "errcode {number} is not in the table\n  hint: the nearest ones are {}; see WeChat's list for others",
        nearest.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{explain, table};

    #[test]
    fn a_number_is_explained_in_four_lines() {
        assert_eq!(
            explain("87009").ok().unwrap(),
            "errcode 87009: invalid signature\n  \
             meaning       the session key was replaced, has expired or is wrong\n  \
             what to do    let the client call wx.login and log in again\n  \
             login error   502 platform_unintelligible\n"
        );
        let negative = explain("-41003").ok().unwrap();
        assert!(negative.starts_with("errcode -41003: IllegalBuffer\n"));
        assert!(!negative.contains("login error "), "{negative}");
    }

    #[test]
    fn an_unknown_number_is_an_error_that_lists_the_nearest() {
        let failure = explain("40030").err().unwrap();
        assert_eq!(failure.exit_code, 2);
        assert!(failure.message.contains("40029, 40014, 40013"));
        assert_eq!(explain("nonsense").err().unwrap().exit_code, 2);
    }

    #[test]
    fn the_table_has_one_line_per_number() {
        let table = table();
        assert!(table.contains(" 40029  login_code_invalid      invalid code: "));
        assert!(table.contains("\n    -1  platform_busy "));
    }
}
