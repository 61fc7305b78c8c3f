//! `weapp-login explain 40029`: what an error number of WeChat's means, what to do, and what a client gets.
//!
//! Knows how a row looks to a person. Never knows the rows: two tables elsewhere describe themselves.

use std::fmt::Write as _;

use weapp_login::error::{ErrorCode, code_for};
use weapp_login::platforms::wechat::Class;
use weapp_login::platforms::wechat::errcode::{self, Row};

use crate::commands::{Failure, print};

/// Prints the row, or the whole table.
pub(crate) fn run(asked: Option<&str>) -> Result<(), Failure> {
    let text = match asked {
        None => table(),
        Some(asked) => explain(asked)?,
    };
    print(text.as_bytes())
}

fn explain(asked: &str) -> Result<String, Failure> {
    let rows = errcode::search(asked);
    if rows.is_empty() {
        return Err(Failure::message(unknown(asked)));
    }
    let rows: Vec<String> = rows.into_iter().map(describe).collect();
    Ok(rows.join("\n"))
}

fn describe(row: &Row) -> String {
    let mut text = format!("{row}\n");
    // Writing into a text does not fail.
    if let Some(code) = answer(row) {
        let (status, name) = (code.status().as_u16(), code.name());
        writeln!(text, "  a login gets  {status} {name}").unwrap_or_default();
    }
    text
}

/// What a login that meets this number is answered; nothing where none can meet it.
fn answer(row: &Row) -> Option<ErrorCode> {
    (!row.is_client_side() && row.class != Class::Success).then(|| code_for(row.class))
}

fn table() -> String {
    let mut text = String::new();
    for row in errcode::all() {
        let name = answer(row).map_or("-", ErrorCode::name);
        let (errcode, errmsg, meaning) = (row.errcode, row.errmsg, row.meaning);
        writeln!(text, "{errcode:>6}  {name:<22}  {errmsg}: {meaning}").unwrap_or_default();
    }
    text
}

fn unknown(asked: &str) -> String {
    let Ok(number) = asked.trim().parse() else {
        return format!(
            "no errcode has `{asked}` in its text\n  hint: leave it out to see the whole table"
        );
    };
    let nearest: Vec<String> = errcode::nearest(number)
        .iter()
        .map(i64::to_string)
        .collect();
    format!(
        "errcode {number} is not in the table\n  hint: the nearest that are: {}; see WeChat's list for others",
        nearest.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{explain, table};

    #[test]
    fn a_number_is_explained_on_four_lines() {
        assert_eq!(
            explain("87009").ok().unwrap(),
            "errcode 87009: invalid signature\n  \
             it means      the session key was replaced, has expired or is wrong\n  \
             what to do    let the client call wx.login and log in again\n  \
             a login gets  502 platform_unintelligible\n"
        );
        let negative = explain("-41003").ok().unwrap();
        assert!(negative.starts_with("errcode -41003: IllegalBuffer\n"));
        assert!(!negative.contains("a login gets"), "{negative}");
    }

    #[test]
    fn an_unknown_number_fails_with_the_nearest() {
        let failure = explain("40030").err().unwrap();
        assert_eq!(failure.exit_code, 2);
        assert!(failure.message.contains("40029, 40014, 40013"));
        assert_eq!(explain("nonsense").err().unwrap().exit_code, 2);
    }

    #[test]
    fn the_table_has_a_line_for_every_number() {
        let table = table();
        assert!(table.contains(" 40029  login_code_invalid      invalid code: "));
        assert!(table.contains("\n    -1  platform_busy "));
    }
}
