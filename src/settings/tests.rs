//! The contract of the settings: the wording of each message, the order of the layers, and masked secrets.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use config::Map;
use log::LevelFilter;

use crate::identity::{DataKey, PlatformName, ServiceKey};
use crate::settings::AvatarStore;
use crate::settings::files;
use crate::settings::keys::Keys;
use crate::settings::{Error, Host, Loaded, LogTarget, Profile, Settings, TrustedProxy};

const APP_ID: &str = "wx0123456789abcdef";
const OTHER_APP_ID: &str = "wxfedcba9876543210";
const SECRET: &str = "00112233445566778899aabbccddeeff";
const KEY: &str = "a-service.key_of~32-letters-0123";

/// A settings folder. Each test has its own.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("weapp-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn with(self, file: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(file), text).unwrap();
        self
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    fn load(&self, environment: &[(&str, &str)]) -> Result<Loaded, Error> {
        Settings::load(environment.iter().copied(), &self.0)
    }

    /// Returns the error, without the name of the folder.
    fn error(self, environment: &[(&str, &str)]) -> String {
        let loaded = self.load(environment).map(|loaded| loaded.settings);
        let error = loaded.unwrap_err().to_string();
        error.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn load(environment: &[(&str, &str)]) -> Result<Loaded, Error> {
    Settings::load(environment.iter().copied(), Path::new("no such folder"))
}

fn settings(environment: &[(&str, &str)]) -> Settings {
    load(environment).unwrap().settings
}

#[track_caller]
fn check_variable(name: &str, value: &str, expected: &str) {
    let error = load(&[(name, value)]).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn check_file(folder: &str, text: &str, expected: &str) {
    let folder = Folder::new(folder).with("local.toml", text);
    assert_eq!(folder.error(&[]), expected);
}

/// A key that the file lacks is a missing field; a key without a field is an unknown one.
#[test]
fn the_shipped_file_names_every_key() {
    for profile in [Profile::Development, Profile::Production] {
        let keys = files::keys(profile);
        assert!(keys.default("server.port").is_some() && keys.default("apps.x.app_id").is_some());
    }
    load(&[]).unwrap();
}

#[test]
fn the_defaults_suit_a_development_machine() {
    let loaded = load(&[]).unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.profile, Profile::Development);
    assert_eq!(settings.server.addresses()[0].to_string(), "127.0.0.1:3000");
    assert!(settings.server.worker_count() > 0);
    assert_eq!(settings.server.drain().as_secs(), 0);
    assert_eq!(settings.server.shutdown().as_secs(), 4);
    assert_eq!(settings.log.format, "dev");
    assert_eq!(settings.log.level, log::LevelFilter::Info);
    assert_eq!(settings.log.skip, ["/livez", "/readyz"]);
    assert_eq!(settings.json.limit, 102_400);
    assert!(settings.json.strict && settings.json.inflate);
    assert_eq!(settings.json.body_timeout().as_secs(), 10);
    assert_eq!(settings.session.lifetime_seconds, 604_800);
    assert_eq!(settings.session.idle_seconds, 259_200);
    assert_eq!(settings.session.touch_seconds, 3_600);
    assert_eq!(settings.session.per_user, 10);
    assert_eq!(settings.store.file(), Some(Path::new("data/weapp.db")));
    assert_eq!(settings.wechat.base_url, "https://api.weixin.qq.com");
    assert_eq!(settings.wechat.connect_timeout().as_millis(), 1_000);
    assert_eq!(settings.wechat.timeout().as_millis(), 3_000);
    assert!(settings.simulated());
    assert_eq!(loaded.sources, ["built-in defaults"]);
}

/// Time after which `docker stop` kills the process.
const DOCKER_SECONDS: u64 = 10;

#[test]
fn the_default_shutdown_is_shorter_than_the_timeout_of_docker() {
    let production = settings(&[
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
    ]);
    let server = production.server;
    assert!(server.trusted_proxies.contains(&TrustedProxy::UnixSocket));
    assert_eq!(server.drain().as_secs(), 5);
    assert!((server.drain() + server.shutdown()).as_secs() < DOCKER_SECONDS);
}

#[test]
fn later_layers_override_earlier_ones() {
    let folder = Folder::new("layers")
        .with("default.toml", "[server]\nport = 1\nworkers = 1\n[log]\nformat = 'tiny'\nlevel = 'warn'\n[json]\nlimit = 1")
        .with("production.toml", "server.port = 2\nserver.workers = 2\nlog.level = 'error'\njson.limit = 2")
        .with("development.toml", "server.port = 9")
        .with("local.toml", "server.port = 3\nserver.workers = 3\njson.limit = 3");
    let environment = [
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_SERVER__PORT", "4"),
        ("WEAPP_SERVER__WORKERS", "4"),
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
        ("PORT", "5"),
    ];
    let loaded = folder.load(&environment).unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.profile, Profile::Production);
    assert_eq!(settings.server.port, 4);
    assert_eq!(settings.server.workers, 4);
    assert_eq!(settings.json.limit, 3);
    assert_eq!(settings.log.level, log::LevelFilter::Error);
    assert_eq!(
        settings.log.format, "combined",
        "the built-in profile overrides default.toml of the folder"
    );
    let expected = [
        "built-in defaults".to_owned(),
        "WEAPP_PROFILE".to_owned(),
        folder.path("default.toml"),
        folder.path("production.toml"),
        folder.path("local.toml"),
        "WEAPP_APPS__MAIN__APP_ID".to_owned(),
        "WEAPP_APPS__MAIN__APP_SECRET".to_owned(),
        "WEAPP_SERVER__PORT".to_owned(),
        "WEAPP_SERVER__WORKERS".to_owned(),
    ];
    assert_eq!(loaded.sources, expected);
}

#[test]
fn port_is_used_unless_our_own_variable_is_set() {
    assert_eq!(settings(&[("PORT", "8080")]).server.port, 8080);
    assert_eq!(settings(&[("PORT", "")]).server.port, 3000);
    assert_eq!(
        settings(&[("PORT", "x"), ("WEAPP_SERVER__PORT", "0")])
            .server
            .port,
        0
    );
    let folder = Folder::new("port").with("local.toml", "server.port = 1");
    let loaded = folder.load(&[("PORT", "2")]).unwrap();
    assert_eq!(loaded.settings.server.port, 2);
    assert_eq!(loaded.sources.last().unwrap(), "PORT");
    check_variable(
        "PORT",
        "99999",
        "PORT: `server.port` must be at most 65535, got 99999\n  \
         hint: remove it to use the default, 3000",
    );
}

#[test]
fn a_variable_can_name_another_folder() {
    let folder = Folder::new("folder").with("local.toml", "server.port = 1");
    let directory = folder.0.to_str().unwrap();
    assert_eq!(settings(&[("WEAPP_CONFIG_DIR", directory)]).server.port, 1);
    check_variable(
        "WEAPP_CONFIG_DIR",
        "/nowhere/at all",
        "WEAPP_CONFIG_DIR: the folder \"/nowhere/at all\" does not exist",
    );
}

#[test]
fn the_environment_sets_values_of_each_type() {
    let settings = settings(&[
        ("WEAPP_SERVER__HOST", "::1"),
        ("WEAPP_JSON__STRICT", "false"),
        ("WEAPP_LOG__SKIP", "/a, /b"),
        ("WEAPP_LOG__FORMAT", "1234567890"),
        ("WEAPP_LOG__LEVEL", "off"),
        ("WEAPP_STORE__URL", "sqlite:///var/lib/weapp.db"),
        ("WEAPP_WECHAT__BASE_URL", "http://localhost:8090/"),
    ]);
    assert_eq!(settings.server.host, Host::Ip("::1".parse().unwrap()));
    assert!(!settings.json.strict);
    assert_eq!(settings.log.skip, ["/a", "/b"]);
    assert_eq!(settings.log.format, "1234567890");
    assert_eq!(settings.log.level, log::LevelFilter::Off);
    assert_eq!(settings.store.file(), Some(Path::new("/var/lib/weapp.db")));
    assert_eq!(settings.wechat.base_url, "http://localhost:8090");
}

#[test]
fn a_secret_of_digits_is_not_parsed_as_a_number() {
    for secret in [
        "12345678901234567890123456789012",
        "00000000000000000000000000000001",
    ] {
        let settings = settings(&[
            ("WEAPP_APPS__MY_SHOP__APP_ID", APP_ID),
            ("WEAPP_APPS__MY_SHOP__APP_SECRET", secret),
        ]);
        let app = settings.apps.get("my_shop").unwrap();
        assert_eq!(app.app_id.as_str(), APP_ID);
        assert_eq!(app.app_secret.expose(), secret);
        assert_eq!(
            settings.apps.len(),
            1,
            "the app without an AppID is left out"
        );
        assert!(!settings.simulated());
    }
}

#[test]
fn a_secret_can_be_read_from_a_file() {
    let folder = Folder::new("secret").with("secret", format!("{SECRET}\r\n"));
    let file = folder.path("secret");
    let loaded = folder
        .load(&[
            ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
            ("WEAPP_APPS__MAIN__APP_SECRET", ""),
            ("WEAPP_APPS__MAIN__APP_SECRET_FILE", &file),
        ])
        .unwrap();
    let app = loaded.settings.apps.get("main").unwrap();
    assert_eq!(app.app_secret.expose(), SECRET);
    assert!(
        loaded
            .report
            .contains("app_secret = \"*** (32 characters)\"")
    );
    assert!(
        loaded
            .report
            .contains("# WEAPP_APPS__MAIN__APP_SECRET_FILE\n")
    );
}

#[test]
fn a_byte_order_mark_and_the_last_line_break_are_not_part_of_a_secret() {
    let read = |test: &str, text: &str| {
        let folder = Folder::new(test).with("secret", text);
        let file = folder.path("secret");
        let id = ("WEAPP_APPS__MAIN__APP_ID", APP_ID);
        let loaded = folder.load(&[id, ("WEAPP_APPS__MAIN__APP_SECRET_FILE", &file)]);
        loaded.map(|loaded| loaded.settings.apps["main"].app_secret.expose().to_owned())
    };
    assert_eq!(
        read("bom-1", &format!("\u{feff}{SECRET}\r\n")).unwrap(),
        SECRET
    );
    assert_eq!(read("bom-2", &format!("\u{feff}{SECRET}")).unwrap(), SECRET);
    for (test, text, shown) in [
        (
            "blank-1",
            format!("{SECRET} \n"),
            "33 characters, of which number 33 is a blank",
        ),
        (
            "blank-2",
            format!("\t{SECRET}"),
            "33 characters, of which number 1 is a blank",
        ),
        (
            "blank-3",
            SECRET.replacen('0', "\u{3000}", 1),
            "32 characters, of which number 1 is a blank",
        ),
        (
            "blank-4",
            SECRET.replacen('3', "3\u{feff}", 1),
            "33 characters, of which number 8 is a blank",
        ),
    ] {
        let error = read(test, &text).unwrap_err().to_string();
        assert!(error.contains(&format!("\"*** ({shown})\"")), "{error}");
        assert!(
            error.starts_with("WEAPP_APPS__MAIN__APP_SECRET_FILE: "),
            "{error}"
        );
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let keys = load(&[]).unwrap().report;
    let names = keys
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let mut variables = vec![
        "PORT".to_owned(),
        "RUST_LOG".to_owned(),
        "WEAPP_NO_SETTING".to_owned(),
    ];
    variables.extend(["WEAPP_PROFILE", "WEAPP_CONFIG_DIR"].map(str::to_owned));
    for section in names {
        let (_, lines) = keys.split_once(&format!("[{section}]\n")).unwrap();
        for line in lines.lines().take_while(|line| !line.is_empty()) {
            let key = format!("{section}.{}", line.split(' ').next().unwrap());
            let name = format!("WEAPP_{}", key.replace('.', "__").to_uppercase());
            variables.extend([format!("{name}_FILE"), name]);
        }
    }
    assert!(variables.len() > 50, "{variables:?}");
    let empty = variables.iter().map(|name| (&**name, ""));
    let loaded = Settings::load(empty, Path::new("no such folder")).unwrap();
    assert_eq!(loaded.report, keys);
    assert_eq!(loaded.sources, ["built-in defaults"]);
}

#[test]
fn a_number_and_a_boolean_may_have_quotes() {
    let text = "[server]\nport = '3555'\ndocs = \"false\"\n[session]\nidle_seconds = '7200'";
    let folder = Folder::new("quotes").with("local.toml", text);
    let loaded = folder.load(&[]).unwrap();
    let settings = loaded.settings;
    assert_eq!((settings.server.port, settings.server.docs), (3555, false));
    assert_eq!(settings.session.idle_seconds, 7200);
    assert!(loaded.report.contains("port = 3555 "), "{}", loaded.report);
    check_file(
        "quotes-range",
        "server.port = '99999'",
        "local.toml: `server.port` must be at most 65535, got 99999\n  hint: remove it to use the default, 3000",
    );
}

#[test]
fn a_secret_and_its_file_must_not_both_be_set() {
    let error = load(&[
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
        ("WEAPP_APPS__MAIN__APP_SECRET_FILE", "/run/secrets/x"),
    ]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "WEAPP_APPS__MAIN__APP_SECRET_FILE and WEAPP_APPS__MAIN__APP_SECRET are both set\n  hint: unset one of them"
    );
}

#[test]
fn a_secret_file_must_exist_and_hold_a_secret() {
    check_variable(
        "WEAPP_APPS__MAIN__APP_SECRET_FILE",
        "/run/secrets/no such",
        "WEAPP_APPS__MAIN__APP_SECRET_FILE names a file that cannot be read, \"/run/secrets/no such\": No such file or \
         directory (os error 2)\n  hint: the file must hold the secret as UTF-8 text, and nothing else",
    );
    let error = |test: &str, bytes: &[u8]| {
        let folder = Folder::new(test).with("secret", bytes);
        let file = folder.path("secret");
        let environment = [
            ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
            ("WEAPP_APPS__MAIN__APP_SECRET_FILE", &file),
        ];
        folder.error(&environment)
    };
    assert_eq!(
        error("secret-binary", b"\xff\xfe"),
        "WEAPP_APPS__MAIN__APP_SECRET_FILE names a file that cannot be read, \"secret\": stream did not contain valid \
         UTF-8\n  hint: the file must hold the secret as UTF-8 text, and nothing else"
    );
    assert_eq!(
        error("secret-two-lines", b"one\ntwo\n"),
        "WEAPP_APPS__MAIN__APP_SECRET_FILE: `apps.main.app_secret` must be 32 hexadecimal digits, \
         as in 开发管理 (Development), 开发设置 (Settings) of mp.weixin.qq.com, got \"*** (7 characters, of which number 4 is a blank)\""
    );
}

#[test]
fn an_unknown_key_in_a_file_is_rejected() {
    check_file(
        "unknown-1",
        "[servr]\nport = 1",
        "unknown setting `servr` in local.toml; did you mean `server`?",
    );
    check_file(
        "unknown-2",
        "[server]\nprot = 1\nzzzzzz = 1",
        "unknown setting `server.prot` in local.toml; did you mean `server.port`?\n\
         unknown setting `server.zzzzzz` in local.toml; the settings there are host, port, listen, \
         workers, max_connections, keep_alive_seconds, drain_seconds, shutdown_seconds, trusted_proxies, docs, base_path, cors_origins, allowed_hosts",
    );
    check_file(
        "unknown-3",
        "port = 1",
        "unknown setting `port` in local.toml; did you mean `server.port`?",
    );
    check_file(
        "unknown-4",
        "profile = 'production'",
        "unknown setting `profile` in local.toml; did you mean `WEAPP_PROFILE`?",
    );
    check_file(
        "unknown-5",
        &format!("[apps.main]\napp_secert = '{SECRET}'\n{SECRET} = 1"),
        "unknown setting `apps.main.app_secert` in local.toml; did you mean `apps.main.app_secret`?\n\
         unknown setting `*** (42 characters)` in local.toml; the settings there are platform, kind, redirects, open_platform, app_id, app_secret",
    );
}

#[test]
fn an_unknown_key_in_the_environment_is_rejected() {
    let check = |name: &str, expected: &str| check_variable(name, "1", expected);
    check(
        "WEAPP_SERVR__PORT",
        "unknown setting `servr.port` in WEAPP_SERVR__PORT; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_SERVER__PROT",
        "unknown setting `server.prot` in WEAPP_SERVER__PROT; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_SERVER_PORT",
        "unknown setting `server_port` in WEAPP_SERVER_PORT; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_PORT",
        "unknown setting `port` in WEAPP_PORT; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_APP_ID",
        "unknown setting `app_id` in WEAPP_APP_ID; did you mean `WEAPP_APPS__MAIN__APP_ID`?",
    );
    check(
        "WEAPP_PROFIL",
        "unknown setting `profil` in WEAPP_PROFIL; did you mean `WEAPP_PROFILE`?",
    );
    check(
        "WEAPP_server__port",
        "unknown setting in WEAPP_server__port; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_SERVER.PORT",
        "unknown setting in WEAPP_SERVER.PORT; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_SERVER__PORT__X",
        "unknown setting `server.port.x` in WEAPP_SERVER__PORT__X; did you mean `WEAPP_SERVER__PORT`?",
    );
    check(
        "WEAPP_COLOUR",
        "unknown setting `colour` in WEAPP_COLOUR; the settings there are server, log, json, session, user, store, wechat, avatar, limits, console, metrics, gateway, admin, events, apps",
    );
    check(
        "WEAPP_STORE__URL_FILE",
        "unknown setting `store.url_file` in WEAPP_STORE__URL_FILE; the settings there are url, password, stale_milliseconds",
    );
    check(
        "WEAPP_SERVER",
        "WEAPP_SERVER: `server` must be a table with host, port, listen, workers, max_connections, keep_alive_seconds, drain_seconds, shutdown_seconds, trusted_proxies, docs, base_path, cors_origins, allowed_hosts, got \"1\"",
    );
}

#[test]
fn service_variables_of_kubernetes_are_ignored() {
    let loaded = load(&[
        ("WEAPP_LOGIN_SERVICE_HOST", "10.0.0.1"),
        ("WEAPP_LOGIN_SERVICE_PORT", "3000"),
        ("WEAPP_LOGIN_SERVICE_PORT_HTTP", "3000"),
        ("WEAPP_LOGIN_PORT", "tcp://10.0.0.1:3000"),
        ("WEAPP_PORT", "tcp://10.0.0.1:3000"),
        ("WEAPP_LOGIN_PORT_3000_TCP", "tcp://10.0.0.1:3000"),
        ("WEAPP_LOGIN_PORT_3000_TCP_PROTO", "tcp"),
        ("WEAPP_LOGIN_PORT_3000_TCP_ADDR", "10.0.0.1"),
    ]);
    assert_eq!(loaded.unwrap().sources, ["built-in defaults"]);
}

const OUT_OF_RANGE: &[(&str, &str, &str)] = &[
    (
        "WEAPP_SERVER__PORT",
        "65536",
        "server.port` must be at most 65535, got 65536",
    ),
    (
        "WEAPP_SERVER__PORT",
        "-1",
        "server.port` must be at least 0, got -1",
    ),
    (
        "WEAPP_SERVER__PORT",
        "80a",
        "server.port` must be a whole number, got \"80a\"",
    ),
    (
        "WEAPP_SERVER__WORKERS",
        "1025",
        "server.workers` must be at most 1024, got 1025",
    ),
    (
        "WEAPP_SERVER__SHUTDOWN_SECONDS",
        "3601",
        "server.shutdown_seconds` must be at most 3600, got 3601",
    ),
    (
        "WEAPP_JSON__LIMIT",
        "0",
        "json.limit` must be at least 1, got 0",
    ),
    (
        "WEAPP_JSON__LIMIT",
        "16777217",
        "json.limit` must be at most 16777216, got 16777217",
    ),
    (
        "WEAPP_JSON__BODY_TIMEOUT_SECONDS",
        "0",
        "json.body_timeout_seconds` must be at least 1, got 0",
    ),
    (
        "WEAPP_SESSION__LIFETIME_SECONDS",
        "59",
        "session.lifetime_seconds` must be at least 60, got 59",
    ),
    (
        "WEAPP_SESSION__PER_USER",
        "0",
        "session.per_user` must be at least 1, got 0",
    ),
    (
        "WEAPP_SESSION__PER_USER",
        "1001",
        "session.per_user` must be at most 1000, got 1001",
    ),
    (
        "WEAPP_WECHAT__TIMEOUT_MILLISECONDS",
        "0",
        "wechat.timeout_milliseconds` must be at least 1, got 0",
    ),
    (
        "WEAPP_WECHAT__CONNECT_TIMEOUT_MILLISECONDS",
        "0",
        "wechat.connect_timeout_milliseconds` must be at least 1, got 0",
    ),
    (
        "WEAPP_JSON__STRICT",
        "yes",
        "json.strict` must be true or false, got \"yes\"",
    ),
];

#[test]
fn a_number_out_of_range_is_rejected() {
    check_file(
        "range",
        "session.lifetime_seconds = 5",
        "local.toml: `session.lifetime_seconds` must be at least 60, got 5\n  \
         hint: remove it to use the default, 604800",
    );
    for (name, value, words) in OUT_OF_RANGE {
        let error = load(&[(*name, *value)]).unwrap_err().to_string();
        let (first, hint) = error.split_once('\n').unwrap();
        assert_eq!(first, format!("{name}: `{words}"));
        assert!(
            hint.starts_with("  hint: remove it to use the default, "),
            "{hint}"
        );
    }
}

#[test]
fn an_invalid_text_is_rejected() {
    for (name, value, words, default) in [
        (
            "WEAPP_SERVER__HOST",
            "example.com",
            "`server.host` must be an IP address such as 127.0.0.1 or 0.0.0.0, or localhost, got \"example.com\"",
            "127.0.0.1",
        ),
        (
            "WEAPP_LOG__LEVEL",
            "verbose\n",
            "`log.level` must be one of off, error, warn, info, debug, trace, got \"verbose\\u000A\"",
            "info",
        ),
        (
            "WEAPP_LOG__SKIP",
            "/livez,readyz",
            "`log.skip` must be paths that begin with a slash, got [\"/livez\", \"readyz\"]",
            "/livez,/readyz",
        ),
    ] {
        check_with_default(name, value, words, default);
    }
}

#[test]
fn a_trusted_proxy_is_an_address_a_network_or_unix() {
    let name = "WEAPP_SERVER__TRUSTED_PROXIES";
    let trusted = |text| Settings::load([(name, text)], Path::new("no-such-folder"));
    let proxies = trusted("::1,192.0.2.7/24,unix").unwrap().settings.server;
    assert_eq!(proxies.trusted_proxies.len(), 3);
    let error = trusted("::1,10.0.0.0/33").unwrap_err().to_string();
    let rule = "`server.trusted_proxies` must be IP addresses, networks such as 10.0.0.0/8, or unix, \
                got [\"::1\", \"10.0.0.0/33\"]";
    assert!(error.contains(rule), "{error}");
}

#[test]
fn an_invalid_url_is_rejected() {
    let url = "must be a scheme, a host and optionally a port and a path, such as https://api.weixin.qq.com";
    let sqlite = "must be sqlite:// and a file, such as sqlite://data/weapp.db, or postgres:// and a host without a password, \
                  such as postgres://weapp@db/weapp";
    for (name, value, words, default) in [
        (
            "WEAPP_STORE__URL",
            "mysql://db/x",
            format!("`store.url` {sqlite}, got \"mysql://db/x\""),
            "sqlite://data/weapp.db",
        ),
        (
            "WEAPP_STORE__URL",
            "postgres://weapp:password@db/x",
            format!("`store.url` {sqlite}, got \"*** (30 characters)\""),
            "sqlite://data/weapp.db",
        ),
        (
            "WEAPP_STORE__URL",
            "sqlite://",
            format!("`store.url` {sqlite}, got \"sqlite://\""),
            "sqlite://data/weapp.db",
        ),
        (
            "WEAPP_STORE__URL",
            "sqlite::memory:",
            format!("`store.url` {sqlite}, got \"sqlite::memory:\""),
            "sqlite://data/weapp.db",
        ),
        (
            "WEAPP_WECHAT__BASE_URL",
            "api.weixin.qq.com",
            format!("`wechat.base_url` {url}, got \"api.weixin.qq.com\""),
            "https://api.weixin.qq.com",
        ),
        (
            "WEAPP_WECHAT__BASE_URL",
            "https://me:password@host",
            format!("`wechat.base_url` {url}, got \"*** (24 characters)\""),
            "https://api.weixin.qq.com",
        ),
        (
            "WEAPP_WECHAT__BASE_URL",
            "https://host/sns?a",
            format!("`wechat.base_url` {url}, got \"https://host/sns?a\""),
            "https://api.weixin.qq.com",
        ),
    ] {
        check_with_default(name, value, &words, default);
    }
}

#[track_caller]
fn check_with_default(name: &str, value: &str, words: &str, default: &str) {
    let default = match default.split_once(',') {
        Some((first, second)) => format!("[\"{first}\", \"{second}\"]"),
        None => format!("\"{default}\""),
    };
    let hint = format!("remove it to use the default, {default}");
    check_variable(name, value, &format!("{name}: {words}\n  hint: {hint}"));
}

#[test]
fn a_base_url_consists_of_scheme_host_port_and_path() {
    let is_valid = |url: &str| load(&[("WEAPP_WECHAT__BASE_URL", url)]).is_ok();
    for url in [
        "https://h",
        "https://h:1/",
        "http://127.0.0.2:80",
        "http://[::1]:80",
        "https://[2001:db8::1]",
        "https://h/wechat",
        "https://h:1/wechat/v1.0/",
        "http://[::1]:80/wechat",
    ] {
        assert!(is_valid(url), "{url}");
    }
    for url in [
        "https://",
        "https:///",
        "https://h?a",
        "https://h#a",
        "https://h//",
        "https://h/a//b",
        "https://h/a/../b",
        "https://h/a b",
        "https://h/%2e%2e",
        "https://h:",
        "https://h:0",
        "https://h:70000",
        "https://[::1",
        "https://[::1]x",
        "https://[h]",
        "https://h h",
        "ftp://h",
        "http://[2001:db8::1]",
        "http://127.0.0.1.nip.io",
    ] {
        assert!(!is_valid(url), "{url}");
    }
}

#[test]
fn http_to_another_machine_needs_a_setting() {
    let url = "http://api.weixin.qq.com";
    check_variable(
        "WEAPP_WECHAT__BASE_URL",
        url,
        "WEAPP_WECHAT__BASE_URL: `wechat.base_url` must be an https URL: http sends the AppSecret unencrypted\n  \
         hint: if no foreign network is in between, set WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true",
    );
    for url in [url, "http://wechat:3100", "http://10.0.0.7:3100/wechat"] {
        let settings = load(&[
            ("WEAPP_WECHAT__BASE_URL", url),
            ("WEAPP_WECHAT__ALLOW_PLAIN_HTTP", "true"),
        ]);
        assert_eq!(settings.unwrap().settings.wechat.base_url, url);
    }
}

#[test]
fn a_proxy_is_the_url_of_an_http_proxy() {
    let proxy = |url| load(&[("WEAPP_WECHAT__PROXY", url)]).map(|it| it.settings.wechat.proxy);
    assert_eq!(proxy("").unwrap(), None);
    for url in [
        "http://proxy",
        "http://proxy:3128/",
        "https://[::1]:3128",
        "http://me:p%40ss@proxy:3128",
    ] {
        let parsed = proxy(url).unwrap().unwrap();
        assert_eq!(parsed.expose(), url);
        assert_eq!(format!("{parsed:?}"), "ProxyUrl(***)");
    }
    for url in [
        "proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "http://proxy/path",
        "http://proxy?a",
        "http://proxy#a",
        "http://me:hunter2@proxy:port",
    ] {
        let error = proxy(url).unwrap_err().to_string();
        assert!(
            error.contains("`wechat.proxy` must be empty, or http://"),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_rejected() {
    check_file(
        "kinds",
        "store = 1\n[server]\nport = '3000a'\nhost = 1\n[json]\nstrict = 1\n[log]\nskip = [1]\nlevel = {}\nformat = []",
        "local.toml: `store` must be a table with url, password, stale_milliseconds, got 1\n\
         local.toml: `server.port` must be a whole number, got \"3000a\"\n  \
         hint: remove it to use the default, 3000\n\
         local.toml: `server.host` must be a text in quotes, got 1\n  \
         hint: remove it to use the default, \"127.0.0.1\"\n\
         local.toml: `json.strict` must be true or false, got 1\n  \
         hint: remove it to use the default, true\n\
         local.toml: `log.skip` must be a list of texts in quotes, got [1]\n  \
         hint: remove it to use the default, [\"/livez\", \"/readyz\"]\n\
         local.toml: `log.level` must be a text in quotes, got a table\n  \
         hint: remove it to use the default, \"info\"\n\
         local.toml: `log.format` must be a text in quotes, got []\n  \
         hint: remove it to use the default, \"dev\"",
    );
    check_file(
        "kinds-list",
        "log.skip = '/livez'",
        "local.toml: `log.skip` must be a list of texts in quotes, got \"/livez\"\n  hint: remove it to use the default, [\"/livez\", \"/readyz\"]",
    );
    check_file(
        "kinds-apps",
        "apps = 1",
        "local.toml: `apps` must be a table with <name>, got 1",
    );
}

#[test]
fn durations_must_not_contradict_each_other() {
    check_file(
        "times",
        "[session]\nlifetime_seconds = 7200\ntouch_seconds = 259200\n[wechat]\nconnect_timeout_milliseconds = 3001",
        "built in: `session.idle_seconds` must be at most `session.lifetime_seconds` (7200, local.toml), got 259200\n\
         local.toml: `session.touch_seconds` must be less than `session.idle_seconds` (259200, built in), got 259200\n\
         local.toml: `wechat.connect_timeout_milliseconds` must be at most `wechat.timeout_milliseconds` (3000, built in), \
         got 3001",
    );
}

#[test]
fn an_app_needs_an_id_and_a_secret() {
    check_variable(
        "WEAPP_APPS__MAIN__APP_ID",
        APP_ID,
        "WEAPP_APPS__MAIN__APP_ID: `apps.main.app_id` is set, but `apps.main.app_secret` is not\n  \
         hint: set WEAPP_APPS__MAIN__APP_SECRET, or WEAPP_APPS__MAIN__APP_SECRET_FILE to the path of a file that holds it",
    );
    check_variable(
        "WEAPP_APPS__SHOP__APP_SECRET",
        SECRET,
        "WEAPP_APPS__SHOP__APP_SECRET: `apps.shop.app_secret` is set, but `apps.shop.app_id` is not\n  \
         hint: set WEAPP_APPS__SHOP__APP_ID",
    );
}

#[test]
fn a_bucket_needs_an_endpoint_and_a_key() {
    check_variable(
        "WEAPP_AVATAR__STORE",
        "s3://weapp/faces",
        "WEAPP_AVATAR__STORE: `avatar.store` is set, but `avatar.s3_endpoint` is not\n  hint: set WEAPP_AVATAR__S3_ENDPOINT\n\
         WEAPP_AVATAR__STORE: `avatar.store` is set, but `avatar.s3_access_key_id` is not\n  \
         hint: set WEAPP_AVATAR__S3_ACCESS_KEY_ID\n\
         WEAPP_AVATAR__STORE: `avatar.store` is set, but `avatar.s3_secret_access_key` is not\n  \
         hint: set WEAPP_AVATAR__S3_SECRET_ACCESS_KEY, or WEAPP_AVATAR__S3_SECRET_ACCESS_KEY_FILE to the path of a file \
         that holds it",
    );
    for broken in ["s3://", "s3://a", "s3://weapp:9000/x", "gs://weapp"] {
        let error = load(&[("WEAPP_AVATAR__STORE", broken)]).unwrap_err();
        assert!(
            error.to_string().contains("must be empty, a folder"),
            "{error}"
        );
    }
}

#[test]
fn production_has_no_avatars_until_their_url_is_set() {
    let app = [
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
    ];
    assert_eq!(settings(&app).avatar.kept_in(), AvatarStore::None);
    let store = [&app[..], &[("WEAPP_AVATAR__STORE", "/srv/faces")]].concat();
    let error = load(&store).unwrap_err().to_string();
    let expected = "WEAPP_AVATAR__STORE: `avatar.store` is set, but `avatar.public_url` is not\n  hint: set WEAPP_AVATAR__PUBLIC_URL";
    assert_eq!(error, expected);
    let url = ("WEAPP_AVATAR__PUBLIC_URL", "https://cdn.example.com/a/");
    let avatar = settings(&[&store[..], &[url]].concat()).avatar;
    assert_eq!(avatar.public_url, "https://cdn.example.com/a");
    assert_eq!(
        avatar.kept_in(),
        AvatarStore::Folder(Path::new("/srv/faces"))
    );
}

#[test]
fn a_website_needs_the_pages_to_which_a_login_may_return() {
    let site = [
        ("WEAPP_APPS__SITE__APP_ID", APP_ID),
        ("WEAPP_APPS__SITE__APP_SECRET", SECRET),
        ("WEAPP_APPS__SITE__KIND", "website"),
    ];
    let error = load(&site).unwrap_err().to_string();
    let expected = "WEAPP_APPS__SITE__KIND: `apps.site.kind` is website, but `apps.site.redirects` is empty\n  \
        hint: set WEAPP_APPS__SITE__REDIRECTS to the URLs of its login pages";
    assert_eq!(error, expected);
    for broken in [
        "h5.example.com",
        "https://h5.example.com/#/login",
        "https:h5.example.com/login",
        "https:///h5.example.com/login",
        "HTTPS://h5.example.com/login",
        "https://*.example.com/login",
        "https://h5.example.com\\login",
        "https://mei@h5.example.com/login",
        "javascript:alert(1)",
    ] {
        let redirects = ("WEAPP_APPS__SITE__REDIRECTS", broken);
        let error = load(&[&site[..], &[redirects]].concat()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("URLs of pages without a fragment"),
            "{error}"
        );
    }
    let page = "http://localhost:5173/login?a=1";
    let redirects = ("WEAPP_APPS__SITE__REDIRECTS", page);
    let settings = settings(&[&site[..], &[redirects]].concat());
    assert_eq!(settings.apps["site"].redirects, [page]);
    let kind = load(&[("WEAPP_APPS__SITE__KIND", "app")]).unwrap_err();
    assert!(
        kind.to_string()
            .contains("one of mini_program, official_account, website"),
        "{kind}"
    );
}

#[test]
fn an_app_id_and_a_secret_have_a_fixed_form() {
    let place = "as in 开发管理 (Development), 开发设置 (Settings) of mp.weixin.qq.com";
    let rule = format!(
        "`apps.main.app_id` must be `wx` and 16 hexadecimal digits in lower case, {place}, and not the AppSecret"
    );
    for id in [
        "touristappid",
        "wx0123456789ABCDEF",
        "wx0123456789abcde",
        "wx0123456789abcdef ",
    ] {
        check_variable(
            "WEAPP_APPS__MAIN__APP_ID",
            id,
            &format!("WEAPP_APPS__MAIN__APP_ID: {rule}, got \"{id}\""),
        );
    }
    check_variable(
        "WEAPP_APPS__MAIN__APP_ID",
        SECRET,
        &format!("WEAPP_APPS__MAIN__APP_ID: {rule}, got \"*** (32 characters)\""),
    );
    check_variable(
        "WEAPP_APPS__MAIN__APP_SECRET",
        "hunter2",
        &format!(
            "WEAPP_APPS__MAIN__APP_SECRET: `apps.main.app_secret` must be 32 hexadecimal digits, {place}, \
             got \"*** (7 characters)\""
        ),
    );
    check_file(
        "secret-number",
        "[apps.main]\napp_secret = 1234567",
        "local.toml: `apps.main.app_secret` must be a text in quotes, got ***",
    );
}

#[test]
fn an_app_belongs_to_a_known_platform() {
    let apps = |platform: &str| {
        let app = format!("app_id = '{APP_ID}'\napp_secret = '{SECRET}'");
        format!("[apps.main]\n{app}\n[apps.other]\nplatform = '{platform}'")
    };
    let folder = Folder::new("platform").with("local.toml", apps("wechat"));
    let settings = folder.load(&[]).unwrap().settings;
    let platforms: Vec<_> = settings.apps.values().map(|app| app.platform).collect();
    assert_eq!(platforms, [PlatformName::Wechat], "it is the default");
    assert_eq!(PlatformName::Wechat.as_str(), "wechat");
    check_file(
        "platform-unknown",
        &apps("alipay"),
        "local.toml: `apps.other.platform` must be one of wechat, got \"alipay\"\n  \
         hint: remove it to use the default, \"wechat\"",
    );
}

#[test]
fn the_name_of_an_app_has_a_fixed_alphabet() {
    check_file(
        "app-name",
        "[apps.'My Shop']\napp_id = ''",
        "local.toml: `apps` must be tables named in lower-case letters, digits, `-` and single `_`, got \"My Shop\"",
    );
    check_variable(
        "WEAPP_APPS__MY SHOP__APP_ID",
        APP_ID,
        "WEAPP_APPS__MY SHOP__APP_ID: `apps` must be tables named in lower-case letters, digits, `-` and single `_`, \
         got \"my shop\"",
    );
    let settings = Folder::new("app-names")
        .with("local.toml", format!("[apps.my-shop]\napp_id = '{APP_ID}'\napp_secret = '{SECRET}'\n[apps.b_2]\napp_id = '{OTHER_APP_ID}'\napp_secret = '{SECRET}'"))
        .load(&[])
        .unwrap()
        .settings;
    assert_eq!(settings.apps.keys().collect::<Vec<_>>(), ["b_2", "my-shop"]);
}

#[test]
fn two_apps_must_not_have_the_same_id() {
    check_file(
        "twins",
        &format!(
            "[apps.a]\napp_id = '{APP_ID}'\napp_secret = '{SECRET}'\n[apps.b]\napp_id = '{APP_ID}'\napp_secret = '{SECRET}'"
        ),
        "local.toml: `apps.b.app_id` is the same as `apps.a.app_id`\n  hint: remove one of the two apps",
    );
}

#[test]
fn production_needs_an_app() {
    check_variable(
        "WEAPP_PROFILE",
        "production",
        "the production profile needs a mini program: set WEAPP_APPS__MAIN__APP_ID, and \
         WEAPP_APPS__MAIN__APP_SECRET or WEAPP_APPS__MAIN__APP_SECRET_FILE",
    );
}

#[test]
fn production_has_no_console() {
    let console = ("WEAPP_CONSOLE__ENABLED", "true");
    let app = [
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
        console,
    ];
    let mut settings = settings(&app);
    assert!(settings.has_console());
    settings.profile = Profile::Production;
    assert!(!settings.has_console());
    let production = [&app[..], &[("WEAPP_PROFILE", "production")]].concat();
    assert_eq!(
        load(&production).unwrap_err().to_string(),
        "WEAPP_CONSOLE__ENABLED: `console.enabled` must be false in the production profile, which has no console\n  \
         hint: remove it, or set WEAPP_PROFILE=development on a development machine"
    );
}

#[test]
fn a_number_that_no_type_holds_is_a_syntax_error_without_its_digits() {
    for digits in [20, 60] {
        let number = "9".repeat(digits);
        let folder = Folder::new(&format!("long-{digits}"));
        let error = folder
            .with("local.toml", format!("\nserver.port = {number}"))
            .error(&[]);
        let expected = "local.toml:2: invalid TOML: the number is too large\n";
        assert!(
            error.starts_with(expected) && !error.contains(&number),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_profile_is_rejected() {
    for (value, shown) in [("prod", "\"prod\""), ("Production", "\"Production\"")] {
        check_variable(
            "WEAPP_PROFILE",
            value,
            &format!("WEAPP_PROFILE must be one of development, production, got {shown}"),
        );
    }
}

#[test]
fn a_syntax_error_names_the_line_and_does_not_quote_it() {
    let broken = |test: &str, line: &str| {
        let folder = Folder::new(test).with("local.toml", format!("# one\n[apps.main]\n{line}\n"));
        folder.error(&[])
    };
    let quotes =
        "\n  hint: a text needs quotation marks, as in format = \"dev\"; a key may occur only once";
    assert_eq!(
        broken("toml-1", &format!("app_secret = {SECRET}")),
        format!("local.toml:3: invalid TOML: unexpected leading zero, expected nothing{quotes}")
    );
    assert_eq!(
        broken("toml-2", "app_secret = hunter2"),
        format!(
            "local.toml:3: invalid TOML: string values must be quoted, expected literal string{quotes}"
        )
    );
    assert_eq!(
        broken("toml-3", "app_secret = 12345678901234567890123456789012"),
        format!("local.toml:3: invalid TOML: the number is too large{quotes}")
    );
    assert_eq!(
        broken("toml-4", "app_secret 'hunter2'"),
        format!("local.toml:3: invalid TOML: key with no value, expected `=`{quotes}")
    );
    assert_eq!(
        broken("toml-5", "app_secret = 'hunter2"),
        format!("local.toml:3: invalid TOML: invalid literal string, expected `'`{quotes}")
    );
    assert_eq!(
        broken("toml-6", "app_id = ''\napp_id = ''"),
        format!("local.toml:4: invalid TOML: duplicate key{quotes}")
    );
}

#[test]
fn a_file_must_be_readable_utf_8() {
    let folder = Folder::new("unreadable");
    fs::create_dir(folder.0.join("local.toml")).unwrap();
    assert_eq!(
        folder.error(&[]),
        "local.toml: the file cannot be read: Is a directory (os error 21)\n  hint: it must be a readable file in UTF-8"
    );
    let folder = Folder::new("gbk").with("local.toml", b"# \xd6\xd0\xce\xc4");
    assert_eq!(
        folder.error(&[]),
        "local.toml: the file cannot be read: stream did not contain valid UTF-8\n  hint: it must be a readable file in UTF-8"
    );
    let folder = Folder::new("bom").with("local.toml", "\u{feff}server.port = 1\r\n");
    assert_eq!(folder.load(&[]).unwrap().settings.server.port, 1);
    let folder = Folder::new("no-folder").with("config", "");
    let loaded = Settings::load([("A", "b")], &folder.0.join("config"));
    assert_eq!(
        loaded.unwrap().sources,
        ["built-in defaults"],
        "it is not a folder"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_must_be_utf_8() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = OsString::from_vec(b"\xff".to_vec());
    let error = Settings::load(
        [(OsString::from("WEAPP_LOG__FORMAT"), bytes.clone())],
        Path::new("none"),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "WEAPP_LOG__FORMAT: the value must be UTF-8 text"
    );
    let loaded = Settings::load([(OsString::from("LS_COLORS"), bytes)], Path::new("none"));
    assert!(
        loaded.is_ok(),
        "variables of other programs are not checked"
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let folder = Folder::new("all").with("local.toml", "colour = 1\n[server]\nport = 'x'");
    let error = folder.error(&[("WEAPP_PROFILE", "production"), ("WEAPP_LOG__LEVEL", "x")]);
    assert_eq!(
        error
            .lines()
            .filter(|line| !line.starts_with("  hint"))
            .count(),
        4,
        "{error}"
    );
}

#[test]
fn the_report_contains_each_value_and_its_origin() {
    let loaded = load(&[
        ("WEAPP_SERVER__PORT", "8080"),
        ("WEAPP_LOG__FORMAT", "\":a\"\\\n"),
        ("WEAPP_LOG__SKIP", "/a,/b"),
    ]);
    let report = loaded.unwrap().report;
    let beginning = r#"# profile: development (built in)

[server]
host = "127.0.0.1"                                # built in
port = 8080                                       # WEAPP_SERVER__PORT
"#;
    assert!(report.starts_with(beginning), "{report}");
    let log = r#"
[log]
format = "\":a\"\\\u000A"                         # WEAPP_LOG__FORMAT
level = "info"                                    # built in
targets = []                                      # built in
style = "text"                                    # built in
skip = ["/a", "/b"]                               # WEAPP_LOG__SKIP
"#;
    assert!(report.contains(log), "{report}");
    // The report is TOML with each key of the built-in files, in their order.
    let mut expected = files::keys(Profile::Development).with_defaults(&Map::new());
    expected.insert("server.port".to_owned(), 8080.into());
    expected.insert("log.format".to_owned(), "\":a\"\\\n".into());
    expected.insert("log.skip".to_owned(), vec!["/a", "/b"].into());
    let reported = Keys::new(files::parse(&report).unwrap(), Map::new());
    let reported: Vec<_> = reported.with_defaults(&Map::new()).into_iter().collect();
    assert_eq!(reported, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn rust_log_sets_the_levels_of_targets() {
    let targets = |variables: &[(&str, &str)]| load(variables).unwrap().settings.log.targets;
    let target = |name: Option<&str>, level| LogTarget {
        name: name.map(str::to_owned),
        level,
    };
    let debug = ("RUST_LOG", "warn,weapp_login::store=DEBUG,actix_server");
    let expected = [
        target(None, LevelFilter::Warn),
        target(Some("weapp_login::store"), LevelFilter::Debug),
        target(Some("actix_server"), LevelFilter::Trace),
    ];
    assert_eq!(targets(&[debug]), expected);
    let ours = ("WEAPP_LOG__TARGETS", "a=off");
    let expected = [target(Some("a"), LevelFilter::Off)];
    assert_eq!(targets(&[debug, ours]), expected);
    assert_eq!(targets(&[("RUST_LOG", "")]), []);
    let error = load(&[("RUST_LOG", "a=loud")]).unwrap_err().to_string();
    assert!(
        error.contains("RUST_LOG") && error.contains("weapp_login::store=debug"),
        "{error}"
    );
}

#[test]
fn admin_keys_have_names_and_are_secrets() {
    let keys = format!("alice:{KEY},bob.ci:{SECRET}{SECRET}");
    let loaded = load(&[("WEAPP_ADMIN__KEYS", &keys)]).unwrap();
    let names: Vec<_> = loaded
        .settings
        .admin
        .keys
        .iter()
        .map(|key| key.name.as_str())
        .collect();
    assert_eq!(names, ["alice", "bob.ci"]);
    assert!(!loaded.report.contains(KEY), "{}", loaded.report);
    for bad in [
        KEY,
        ":",
        "alice:short",
        &format!(":{KEY}"),
        &format!("a b:{KEY}"),
        &format!("a:b:{KEY}"),
    ] {
        let error = load(&[("WEAPP_ADMIN__KEYS", bad)]).unwrap_err().to_string();
        assert!(
            error.contains("`admin.keys` must be names and keys such as alice:KEY"),
            "{error}"
        );
        assert!(!error.contains(KEY), "{error}");
    }
}

#[test]
fn the_admin_port_requires_a_key() {
    let error = load(&[("WEAPP_ADMIN__PORT", "3001")])
        .unwrap_err()
        .to_string();
    let says = "WEAPP_ADMIN__PORT: `admin.port` is set, but `admin.keys` is empty\n  hint: set WEAPP_ADMIN__KEYS=name:key";
    assert!(error.contains(says), "{error}");
    let keys = format!("alice:{KEY}");
    load(&[("WEAPP_ADMIN__PORT", "3001"), ("WEAPP_ADMIN__KEYS", &keys)]).unwrap();
}

#[test]
fn service_keys_are_a_list_of_secrets() {
    let folder = Folder::new("keys").with("keys", format!("{KEY}\r\n\n{SECRET}\n"));
    let file = folder.path("keys");
    let loaded = folder.load(&[("WEAPP_GATEWAY__SERVICE_KEYS_FILE", &file)]);
    let loaded = loaded.unwrap();
    let keys = &loaded.settings.gateway.service_keys;
    let exposed: Vec<_> = keys.iter().map(ServiceKey::expose).collect();
    assert_eq!(exposed, [KEY, SECRET]);
    let shown = r#"service_keys = ["*** (32 characters)", "*** (32 characters)"]"#;
    assert!(loaded.report.contains(shown), "{}", loaded.report);
    check_variable(
        "WEAPP_GATEWAY__SERVICE_KEYS",
        &format!("{KEY},too-short"),
        "WEAPP_GATEWAY__SERVICE_KEYS: `gateway.service_keys` must be keys of 32 to 256 letters, digits, `-`, `.`, `_` \
         and `~`, got [\"*** (32 characters)\", \"*** (9 characters)\"]\n  \
         hint: remove it to use the default, []",
    );
    check_file(
        "keys-2",
        "[gateway]\nservice_keys = \"x\"",
        "local.toml: `gateway.service_keys` must be a list of texts in quotes, got \"*** (1 characters)\"\n  \
         hint: remove it to use the default, []",
    );
}

#[test]
fn apps_that_share_users_need_a_key() {
    check_variable(
        "WEAPP_APPS__MAIN__OPEN_PLATFORM",
        "acme",
        "WEAPP_APPS__MAIN__OPEN_PLATFORM: `apps.main.open_platform` is set, but `user.data_keys` is empty\n  \
         hint: set WEAPP_USER__DATA_KEYS to the output of `openssl rand -hex 32` (keep it: without it, no login is linked \
         to a known user), or WEAPP_USER__DATA_KEYS_FILE to the path of a file that holds it",
    );
    check_variable(
        "WEAPP_APPS__MAIN__OPEN_PLATFORM",
        "ac/me",
        "WEAPP_APPS__MAIN__OPEN_PLATFORM: `apps.main.open_platform` must be empty, or a name of at most 64 letters, \
         digits, `-`, `_` and `.`, got \"ac/me\"",
    );
    let settings = settings(&[
        ("WEAPP_APPS__SHOP__OPEN_PLATFORM", "acme"),
        ("WEAPP_USER__DATA_KEYS", KEY),
    ]);
    assert!(settings.simulated() && settings.apps.is_empty());
    assert_eq!(settings.simulated_apps["shop"].open_platform, "acme");
    assert_eq!(settings.simulated_apps["main"].open_platform, "");
}

#[test]
fn kept_phone_numbers_need_a_key() {
    check_variable(
        "WEAPP_USER__KEEP_PHONE_NUMBER",
        "true",
        "WEAPP_USER__KEEP_PHONE_NUMBER: `user.keep_phone_number` is set, but `user.data_keys` is empty\n  \
         hint: set WEAPP_USER__DATA_KEYS to the output of `openssl rand -hex 32` (keep it: without it, the encrypted phone \
         numbers are lost), or WEAPP_USER__DATA_KEYS_FILE to the path of a file that holds it",
    );
    let user = settings(&[
        ("WEAPP_USER__KEEP_PHONE_NUMBER", "true"),
        ("WEAPP_USER__DATA_KEYS", KEY),
    ])
    .user;
    assert!(user.keep_phone_number);
    assert_eq!(user.data_keys, [DataKey::new(KEY)]);
}

#[test]
fn an_origin_is_as_a_browser_sends_it() {
    for origin in [
        "*",
        "null",
        "h5.example.com",
        "https://h5.example.com/",
        "https://h5.example.com/a",
        "https://H5.example.com",
        "https://h5.example.com:443",
        "http://h5.example.com:80",
        "ftp://h5.example.com",
        "https://*.example.com",
    ] {
        let error = Settings::load([("WEAPP_SERVER__CORS_ORIGINS", origin)], Path::new("no"));
        let error = error.unwrap_err().to_string();
        let rule = "`server.cors_origins` must be origins as browsers send them, such as https://h5.example.com, and not `*`";
        assert!(error.contains(rule), "{origin}: {error}");
    }
    let good = "https://h5.example.com,http://localhost:5173,https://[2001:db8::1]:8443";
    let origins = settings(&[("WEAPP_SERVER__CORS_ORIGINS", good)])
        .server
        .cors_origins;
    assert_eq!(origins.join(","), good);
    assert!(settings(&[]).server.cors_origins.is_empty());
}

#[test]
fn a_base_path_has_no_trailing_slash() {
    for (path, base) in [
        ("", ""),
        ("/", ""),
        ("/api", "/api"),
        ("/api/v1/", "/api/v1"),
    ] {
        let server = settings(&[("WEAPP_SERVER__BASE_PATH", path)]).server;
        assert_eq!(server.base_path, base);
    }
    for path in ["api", "//", "/a//b", "/../a", "/{id}", "/a b", "/a?b"] {
        let error = Settings::load([("WEAPP_SERVER__BASE_PATH", path)], Path::new("no"));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("`server.base_path` must be empty, or a path such as /api"),
            "{path}: {error}"
        );
    }
}

#[test]
fn the_metrics_path_has_a_fixed_alphabet() {
    for path in ["metrics", "/", "/{id}", "/metrics?x", "/a b"] {
        check_with_default(
            "WEAPP_METRICS__PATH",
            path,
            &format!(
                "`metrics.path` must be a path such as /metrics, of letters, digits, `-`, `_`, `.` and slashes, got \"{path}\""
            ),
            "/metrics",
        );
    }
    let production = settings(&[
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
    ]);
    let address = production.metrics.address().unwrap().to_string();
    assert_eq!(
        (production.metrics.enabled, &*address),
        (false, "127.0.0.1:9464")
    );
    assert_eq!(settings(&[]).metrics.address(), None);
}

#[test]
fn no_secret_is_printed() {
    let environment = [
        ("WEAPP_APPS__MAIN__APP_ID", APP_ID),
        ("WEAPP_APPS__MAIN__APP_SECRET", SECRET),
        ("WEAPP_GATEWAY__SERVICE_KEYS", KEY),
    ];
    let loaded = load(&environment).unwrap();
    let shown = format!("{loaded:?} {:?} {}", loaded.settings, loaded.report);
    assert!(!shown.contains(SECRET) && !shown.contains(KEY) && shown.contains(APP_ID));
    let folder = Folder::new("secret-key").with(
        "local.toml",
        format!("{SECRET} = 1\nlog.level = '{SECRET}'"),
    );
    let error = folder.load(&[]).unwrap_err();
    assert!(!format!("{error:?} {error}").contains(SECRET));
}

#[test]
fn a_receiver_of_events_needs_a_secret() {
    let url = (
        "WEAPP_EVENTS__URL",
        "https://backend.example.com/events?a=b",
    );
    let error = load(&[url]).unwrap_err().to_string();
    for part in [
        "`events.url` is set, but `events.secret` is not",
        "WEAPP_EVENTS__SECRET_FILE",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let secret = format!("whsec_{key}");
    let loaded = load(&[url, ("WEAPP_EVENTS__SECRET", &secret)]).unwrap();
    assert!(!loaded.report.contains(key), "{}", loaded.report);
    for wrong in [key, "whsec_c2hvcnQ=", "whsec_no base64 at all"] {
        let error = load(&[url, ("WEAPP_EVENTS__SECRET", wrong)]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("`events.secret` must be whsec_"), "{error}");
        assert!(!error.contains(wrong), "{error}");
    }
    for wrong in [
        "backend.example.com",
        "ftp://a",
        "https://",
        "https:backend.example.com/events",
        "https://*.example.com/events",
        "https://a:b@c/d",
    ] {
        let error = load(&[
            ("WEAPP_EVENTS__URL", wrong),
            ("WEAPP_EVENTS__SECRET", &secret),
        ]);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("`events.url` must be empty, or http"),
            "{error}"
        );
    }
}
