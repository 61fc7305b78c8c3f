//! A user's public profile: nickname and address of the picture.

use std::sync::Arc;

use crate::account::error::Error;
use crate::identity::UserId;
use crate::session::{Change, ProfileChange, User};
use crate::store::Store;

/// Maximum length of a nickname, in characters (Unicode scalar values), so at most 256 bytes. Our choice: those of WeChat end at 32
/// letters or 16 hanzi, and one emoji of a family takes up to ten.
const MAX_NICKNAME_CHARACTERS: usize = 64;

/// Maximum length of a picture's address, in bytes. Our choice: browsers and proxies accept it everywhere.
const MAX_URL_BYTES: usize = 2048;

/// The nickname that `wx.getUserProfile` returns instead of the real one since November 2022.
const PLACEHOLDER_NICKNAME: &str = "微信用户";

/// The addresses of the grey picture that it and `chooseAvatar` components show, without the size at the end. Observed in the
/// data of many projects; WeChat does not document them.
const PLACEHOLDER_AVATARS: [&str; 2] = [
    "https://thirdwx.qlogo.cn/mmopen/vi_32/\
    POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/",
    "https://mmbiz.qpic.cn/mmbiz/\
    icTdbqWNOwNRna42FI242Lcia07jQodd2FJGIYQfG0LAJGFxM4FbnQP6yfMxBgJ0F3YRqJCJ1aPAK2dQagdusBZg/",
];

/// The text is too long or contains characters that are not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long or contains characters that are not allowed")]
pub struct Malformed;

/// A nickname: any script and emoji, without control characters and line breaks, 1 to 64 characters of which at least one is
/// visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nickname(String);

impl Nickname {
    /// Parses a nickname. `None` if nothing visible is left, or only WeChat's placeholder.
    ///
    /// Removes surrounding blanks, and characters that have no use in a name but change the text around it. They are removed
    /// rather than rejected, because WeChat fills in names that contain them and the user cannot see them.
    ///
    /// # Errors
    /// [`Malformed`] if it is too long, or has control characters or line breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, Malformed> {
        let name: String = text
            .chars()
            .filter(|letter| !is_disruptive(*letter))
            .collect();
        let name = name.trim_matches(is_blank);
        let breaks =
            |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
        if name.contains(breaks) || name.chars().count() > MAX_NICKNAME_CHARACTERS {
            return Err(Malformed);
        }
        let none = name.chars().all(is_invisible) || name == PLACEHOLDER_NICKNAME;
        Ok((!none).then(|| Self(name.to_owned())))
    }
}

/// Returns `true` for controls that reorder the text around a name (bidirectional embeddings, overrides and isolates), and for
/// the 66 noncharacters of Unicode, which are no text.
fn is_disruptive(letter: char) -> bool {
    let in_plane = u32::from(letter) & 0xffff;
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}')
        || in_plane >= 0xfffe
}

/// Returns `true` for white space, and for blanks that Unicode does not count as such: zero-width ones and fillers.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{2060}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
}

/// Returns `true` for characters that show nothing by themselves. Some of them are useful next to others: joiners and
/// variation selectors in an emoji, marks of direction.
///
/// Source: `Default_Ignorable_Code_Point` of [DerivedCoreProperties](https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt),
/// read 2026-11-27.
fn is_invisible(letter: char) -> bool {
    is_blank(letter)
        || matches!(
            letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The address of a user's picture: `https`, at most 2048 bytes, percent-encoded as a browser sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvatarUrl(String);

impl AvatarUrl {
    /// Parses the address of a picture. `None` if it is empty or that of WeChat's grey placeholder.
    ///
    /// # Errors
    /// [`Malformed`] for anything but an `https` address, such as the temporary file that `chooseAvatar` returns.
    pub fn parse(text: &str) -> Result<Option<Self>, Malformed> {
        let url = text.trim();
        if url.is_empty() {
            return Ok(None);
        }
        let address = url.strip_prefix("https://").ok_or(Malformed)?;
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        let host_is_sound = !host.is_empty()
            && !host.starts_with([':', '.'])
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
        // All other characters must be percent-encoded, so that the address cannot break out of an HTML attribute.
        let sound = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
        if url.len() > MAX_URL_BYTES || !host_is_sound || !url.bytes().all(sound) {
            return Err(Malformed);
        }
        let is_size = |size: &str| size.bytes().all(|byte| byte.is_ascii_digit());
        let mut placeholders = PLACEHOLDER_AVATARS.iter();
        let none = placeholders.any(|picture| url.strip_prefix(picture).is_some_and(is_size));
        Ok((!none).then(|| Self(url.to_owned())))
    }
}

impl From<Option<Nickname>> for Change {
    fn from(nickname: Option<Nickname>) -> Self {
        nickname.map_or(Self::Clear, |nickname| Self::Set(nickname.0))
    }
}

impl From<Option<AvatarUrl>> for Change {
    fn from(url: Option<AvatarUrl>) -> Self {
        url.map_or(Self::Clear, |url| Self::Set(url.0))
    }
}

/// Changes the profiles of users.
#[derive(Debug)]
pub struct Profiles {
    store: Arc<dyn Store>,
}

impl Profiles {
    /// Manages the profiles in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Changes a user's profile, and returns the changed user. Durable when this returns.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails; [`Error::UserGone`] if there is no such user.
    pub async fn change(&self, user: UserId, change: ProfileChange) -> Result<User, Error> {
        let changed = self.store.change_profile(user, change).await?;
        changed.ok_or(Error::UserGone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(text: &str, name: Result<Option<&str>, Malformed>) {
        let name = name.map(|name| name.map(|name| Nickname(name.to_owned())));
        assert_eq!(Nickname::parse(text), name, "{text:?}");
    }

    #[test]
    fn nicknames_of_any_script_are_accepted() {
        for name in [
            "小美",
            "Zoë",
            "👩🏽‍👩🏿‍👧‍👦",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "مَيّ\u{200f}",
            "שָׁלוֹם",
            "ไม้",
            "می‌خواهم",
            "e\u{301}",
            "\u{fffd}",
            "a b",
        ] {
            check_name(name, Ok(Some(name)));
        }
        check_name(" \u{3000}小美\n", Ok(Some("小美")));
        check_name(&"😀".repeat(64), Ok(Some(&"😀".repeat(64))));
        check_name(&"😀".repeat(65), Err(Malformed));
        for text in ["a\nb", "a\0", "\u{1b}[31m", "a\u{85}b", "a\u{2028}b"] {
            check_name(text, Err(Malformed));
        }
    }

    #[test]
    fn the_placeholder_name_counts_as_no_nickname() {
        for text in ["", "  ", "微信用户", " 微信用户 "] {
            check_name(text, Ok(None));
        }
        check_name("微信用户2", Ok(Some("微信用户2")));
    }

    #[test]
    fn a_name_without_visible_characters_counts_as_no_nickname() {
        for text in [
            "\u{200b}\u{3164}",
            "\u{2800}",
            "\u{feff}",
            "\u{200d}\u{fe0f}",
            "\u{ad}",
            "\u{202e}",
            "\u{ffff}",
            "\u{e0001}",
            "\u{115f}\u{ffa0}",
        ] {
            check_name(text, Ok(None));
        }
    }

    #[test]
    fn controls_of_direction_and_noncharacters_are_removed() {
        check_name("a\u{202e}cba", Ok(Some("acba")));
        check_name("\u{2066}小美\u{2069}", Ok(Some("小美")));
        check_name("小\u{ffff}美\u{fdd0}\u{10ffff}", Ok(Some("小美")));
        check_name("\u{3164}小美\u{200b}", Ok(Some("小美")));
        check_name("微信\u{202c}用户", Ok(None));
        let longest = "\u{202e}".repeat(9) + &"😀".repeat(64);
        check_name(&longest, Ok(Some(&"😀".repeat(64))));
    }

    #[track_caller]
    fn check_url(text: &str, url: Result<Option<&str>, Malformed>) {
        let url = url.map(|url| url.map(|url| AvatarUrl(url.to_owned())));
        assert_eq!(AvatarUrl::parse(text), url, "{text:?}");
    }

    #[test]
    fn a_picture_has_an_https_address() {
        for url in [
            "https://cdn.example.com/a/%E7%BE%8E.png?x=1&y=2#z",
            "https://cdn.example.com:8443",
            "https://[2001:db8::1]/a",
            "https://thirdwx.qlogo.cn/mmopen/vi_32/Other/132",
        ] {
            check_url(url, Ok(Some(url)));
        }
        let longest = format!("https://a/{}", "x".repeat(2038));
        check_url(&longest, Ok(Some(&longest)));
        for text in [
            &format!("{longest}x"),
            "http://a/b",
            "HTTPS//a",
            "https://",
            "https:///a",
            "https://:1/",
            "https://user@a/",
            "https://a b/",
            "https://a/\"onload=1",
            "https://a/小美",
            "wxfile://tmp_0b5f.png",
            "http://tmp/0b5f.png",
            "javascript:alert(1)",
            "data:image/png;base64,AA==",
        ] {
            check_url(text, Err(Malformed));
        }
    }

    #[test]
    fn the_placeholder_avatar_counts_as_no_picture_in_any_size() {
        for picture in PLACEHOLDER_AVATARS {
            for size in ["132", "0", "64"] {
                check_url(&format!("{picture}{size}"), Ok(None));
            }
            let other = format!("{picture}132/x");
            check_url(&other, Ok(Some(&other)));
        }
        check_url("", Ok(None));
    }
}
