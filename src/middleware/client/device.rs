//! Describes the device of a User-Agent: `iPhone · WeChat 8.0.50 · iOS 17.1`.
//!
//! The formats are observed, because WeChat does not document them. The description is for display only.

use crate::session::Device;

/// Maximum number of bytes of a User-Agent that are parsed. Our choice: WeChat's have up to 400.
const LOOKED_AT: usize = 1024;

/// Maximum length of a model name, in characters.
const MAX_MODEL: usize = 32;

/// Describes the device of a User-Agent.
pub(super) fn describe(user_agent: &str) -> Device {
    let agent = user_agent
        .get(..user_agent.floor_char_boundary(LOOKED_AT))
        .unwrap_or_default();
    if agent.to_ascii_lowercase().contains("wechatdevtools/") {
        return Device::new("DevTools");
    }
    let wechat = version_after(agent, "MicroMessenger/").map(|version| format!("WeChat {version}"));
    let (hardware, system) = platform(agent);
    let parts: Vec<_> = [hardware, wechat, system].into_iter().flatten().collect();
    if parts.is_empty() {
        Device::unknown()
    } else {
        Device::new(&parts.join(" · "))
    }
}

/// Returns the kind or model of the device, and the system with its version.
fn platform(agent: &str) -> (Option<String>, Option<String>) {
    let named = |name: &str| Some(name.to_owned());
    // WeChat on a computer sends a phone's system, or an outdated one.
    if agent.contains("MiniProgramEnv/Windows") {
        return (named("Windows"), None);
    }
    if agent.contains("MiniProgramEnv/Mac") {
        return (named("Mac"), None);
    }
    for (hardware, mark) in [("iPhone", "iPhone OS "), ("iPad", "CPU OS ")] {
        if agent.contains(&format!("({hardware};")) {
            let system = version_after(agent, mark).map(|version| format!("iOS {version}"));
            return (named(hardware), system);
        }
    }
    if let Some(version) = version_after(agent, "OpenHarmony ") {
        return (None, Some(format!("HarmonyOS {version}")));
    }
    if let Some(version) = version_after(agent, "Android ") {
        return (model(agent), Some(format!("Android {version}")));
    }
    for (mark, name) in [("Windows NT", "Windows"), ("Macintosh", "Mac")] {
        if agent.contains(mark) {
            return (named(name), None);
        }
    }
    (None, None)
}

/// Returns the model of an Android phone, from `(Linux; Android 12; M2012K11AC Build/SKQ1.220303.001; wv)`.
fn model(agent: &str) -> Option<String> {
    let (_, after) = agent.split_once("Android ")?;
    let (inside, _) = after.split_once(')')?;
    let model = inside
        .split(';')
        .skip(1)
        .map(|part| part.split(" Build/").next().unwrap_or(part).trim())
        // Skips a language, the web view mark and the `K` that browsers send in place of a model.
        .find(|part| {
            !part.is_empty()
                && !matches!(*part, "wv" | "K" | "U" | "HarmonyOS")
                && !is_language(part)
        })?;
    Some(model.chars().take(MAX_MODEL).collect())
}

/// Returns `true` for a language tag such as `zh-cn`.
fn is_language(part: &str) -> bool {
    let letters =
        |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    part.split_once(['-', '_'])
        .is_some_and(|(language, country)| letters(language) && letters(country))
}

/// Returns the version after a mark: at most three numbers of at most four digits, separated by dots.
fn version_after(agent: &str, mark: &str) -> Option<String> {
    let (_, after) = agent.split_once(mark)?;
    let version =
        after.split(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '_')));
    let numbers: Vec<_> = version
        .take(1)
        .flat_map(|version| version.split(['.', '_']))
        .take_while(|number| (1..=4).contains(&number.len()))
        .take(3)
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(agent: &str, description: &str) {
        assert_eq!(describe(agent).as_str(), description, "{agent}");
    }

    #[test]
    fn phones_are_recognized() {
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 \
             MicroMessenger/8.0.50(0x18003231) NetType/WIFI Language/zh_CN",
            "iPhone · WeChat 8.0.50 · iOS 17.1",
        );
        check(
            "Mozilla/5.0 (iPad; CPU OS 16_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/20F75 \
             MicroMessenger/8.0.38(0x1800262c) NetType/4G Language/zh_CN",
            "iPad · WeChat 8.0.38 · iOS 16.5.1",
        );
        check(
            "Mozilla/5.0 (Linux; Android 12; M2012K11AC Build/SKQ1.220303.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
             Version/4.0 Chrome/134.0.6998.136 Mobile Safari/537.36 XWEB/1340129 MMWEBSDK/20240301 MMWEBID/9871 \
             MicroMessenger/8.0.48.2580(0x28003036) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64 \
             MiniProgramEnv/android",
            "M2012K11AC · WeChat 8.0.48 · Android 12",
        );
        check(
            "Mozilla/5.0 (Linux; U; Android 10; zh-cn; Mi 10 Build/QKQ1) MicroMessenger/7.0.20.1781(0x6700143B)",
            "Mi 10 · WeChat 7.0.20 · Android 10",
        );
        check(
            "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 MicroMessenger/8.0.11",
            "WeChat 8.0.11 · HarmonyOS 5.0",
        );
    }

    #[test]
    fn computers_are_recognized() {
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 \
             MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF",
            "Windows · WeChat 7.0.20",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 11_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E217 \
             MicroMessenger/6.8.0(0x16080000) NetType/WIFI Language/en Branch/Br_trunk MiniProgramEnv/Mac",
            "Mac · WeChat 6.8.0",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_1 like Mac OS X) AppleWebKit/603.1.3 (KHTML, like Gecko) Version/10.0 \
             Mobile/14E304 Safari/602.1 wechatdevtools/1.06.2209190 MicroMessenger/8.0.5 Language/zh_CN webview/",
            "DevTools",
        );
        check("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "Mac");
    }

    #[test]
    fn unknown_agents_have_short_plain_descriptions() {
        for agent in ["", "curl/8.5.0", "MicroMessenger/", "Android", "小美"] {
            check(agent, "unknown device");
        }
        check("MicroMessenger/99999999999.1", "unknown device");
        check("Android 14; \u{1b}[31mX\r\n)", "[31mX · Android 14");
        let long = format!("(Linux; Android 14; {}", "机".repeat(300));
        check(
            &format!("{long})"),
            &format!("{} · Android 14", "机".repeat(32)),
        );
        check(&"é".repeat(2000), "unknown device");
        check("(Linux; Android 10; K) Chrome/120", "Android 10");
    }
}
