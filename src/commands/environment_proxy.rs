//! Logs that a proxy of the environment is ignored.

use std::env;

use weapp_login::settings::Settings;

/// The variables that other programs read, in their order.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Logs the name of a proxy variable, if one is set and the calls to WeChat could use a proxy. The value may contain a password.
pub(crate) fn log_if_ignored(settings: &Settings) {
    let wechat = &settings.wechat;
    let direct = wechat.proxy.is_none() && wechat.base_url.starts_with("https://");
    let is_set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = VARIABLES.iter().find(is_set)
        && direct
        && !settings.simulated()
    {
        log::info!(
            "{name} is ignored: WeChat is called directly, from an address in its IP list; to use a proxy, set `wechat.proxy`"
        );
    }
}
