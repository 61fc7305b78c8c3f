//! `weapp-login explain 40029`: explains an error number of WeChat and the error that a client gets.

use std::fmt::Write as _;

use weapp_login::error::{ErrorCode, code_for};
use weapp_login::language::{Language, Text};
use weapp_login::platforms::Reason;
use weapp_login::platforms::wechat::errcode::{self, Row};

use crate::commands::{Failure, print};

/// The labels of an explanation. Chinese characters are two columns wide.
const MEANING: Text = Text::new("meaning       ", "含义      ");
const ADVICE: Text = Text::new("what to do    ", "如何处理  ");
const LOGIN_ERROR: Text = Text::new("login error   ", "登录错误  ");

/// Prints the rows that match a number or text, or the whole table.
pub(crate) fn run(query: Option<&str>, language: Language) -> Result<(), Failure> {
    let text = match query {
        None => table(language),
        Some(query) => explain(query, language)?,
    };
    print(text.as_bytes())
}

fn explain(query: &str, language: Language) -> Result<String, Failure> {
    let rows = errcode::search(query);
    if rows.is_empty() {
        return Err(Failure::message(unknown(query, language)));
    }
    let rows = rows.into_iter().map(|row| describe(row, language));
    Ok(rows.collect::<Vec<_>>().join("\n"))
}

fn describe(row: &Row, language: Language) -> String {
    let mut text = format!("errcode {}: {}\n", row.errcode, row.errmsg);
    let mut line = |label: Text, value: &str| {
        // Writing to a string does not fail.
        writeln!(text, "  {}{value}", label.to(language)).unwrap_or_default();
    };
    line(MEANING, row.meaning.to(language));
    line(ADVICE, row.advice.to(language));
    if let Some(code) = login_error(row) {
        let (status, name) = (code.status().as_u16(), code.name());
        line(LOGIN_ERROR, &format!("{status} {name}"));
    }
    text
}

/// Returns the error of a login that gets this number from WeChat, if it can get it.
fn login_error(row: &Row) -> Option<ErrorCode> {
    (!row.is_client_side() && row.reason != Reason::Success).then(|| code_for(row.reason))
}

fn table(language: Language) -> String {
    let mut text = String::new();
    for row in errcode::all() {
        let name = login_error(row).map_or("-", ErrorCode::name);
        let (errcode, errmsg, meaning) = (row.errcode, row.errmsg, row.meaning.to(language));
        writeln!(text, "{errcode:>6}  {name:<22}  {errmsg}: {meaning}").unwrap_or_default();
    }
    text
}

fn unknown(query: &str, language: Language) -> String {
    let Ok(number) = query.trim().parse() else {
        return match language {
            Language::English => format!(
                "no errcode has `{query}` in its message\n  hint: run `explain` without an argument to print the whole table"
            ),
            Language::Chinese => format!(
                "没有哪个 errcode 的说明包含“{query}”\n  提示：不带参数运行 `explain` 可列出全部 errcode"
            ),
        };
    };
    let nearest: Vec<String> = errcode::nearest(number)
        .iter()
        .map(i64::to_string)
        .collect();
    let nearest = nearest.join(", ");
    match language {
        Language::English => format!(
            "errcode {number} is not in the table\n  hint: the nearest ones are {nearest}; see WeChat's list for others"
        ),
        Language::Chinese => format!(
            "表中没有 errcode {number}\n  提示：最接近的是 {nearest}；其他 errcode 请查阅微信官方文档"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{Chinese, English};
    use super::{errcode, explain, table};

    #[test]
    fn a_number_is_explained_in_four_lines() {
        assert_eq!(
            explain("87009", English).ok().unwrap(),
            "errcode 87009: invalid signature\n  \
             meaning       the session key was replaced, has expired or is wrong\n  \
             what to do    let the client call wx.login and log in again\n  \
             login error   502 platform_unintelligible\n"
        );
        assert_eq!(
            explain("87009", Chinese).ok().unwrap(),
            "errcode 87009: invalid signature\n  \
             含义      session_key 已被替换、已过期或不正确\n  \
             如何处理  让客户端调用 wx.login 重新登录\n  \
             登录错误  502 platform_unintelligible\n"
        );
        let negative = explain("-41003", English).ok().unwrap();
        assert!(negative.starts_with("errcode -41003: IllegalBuffer\n"));
        assert!(!negative.contains("login error "), "{negative}");
    }

    #[test]
    fn an_unknown_number_is_an_error_that_lists_the_nearest() {
        for language in [English, Chinese] {
            let failure = explain("40030", language).err().unwrap();
            assert_eq!(failure.exit_code, 2);
            assert!(failure.message.contains("40029, 40014, 40013"));
            assert_eq!(explain("nonsense", language).err().unwrap().exit_code, 2);
        }
    }

    #[test]
    fn the_table_has_one_line_per_number() {
        let english = table(English);
        assert!(english.contains(" 40029  login_code_invalid      invalid code: WeChat does"));
        assert!(english.contains("\n    -1  platform_busy "));
        let chinese = table(Chinese);
        assert!(chinese.contains(" 40029  login_code_invalid      invalid code: 微信不接受"));
        assert_eq!(english.lines().count(), chinese.lines().count());
    }

    #[test]
    fn every_number_is_explained_in_both_languages() {
        let is_chinese = |text: &str| text.chars().any(|letter| ('一'..='龥').contains(&letter));
        for row in errcode::all() {
            for text in [row.meaning, row.advice] {
                assert!(!is_chinese(text.english), "{}", text.english);
                assert!(is_chinese(text.chinese), "{}", text.chinese);
            }
        }
    }
}
