//! `weapp-login simulate`: WeChat's stand-in as a process of its own, for a backend in any language.
//!
//! Knows its options and what a newcomer reads first. Never knows what WeChat answers.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{AddrParseError, IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use log::LevelFilter;
use weapp_login::settings::{LogStyle, Profile};
use weapp_login::telemetry;
use wechat_simulator::{App, Clock, Options, Simulator, StartError};

use crate::commands::Failure;
use crate::commands::signals::Signals;

/// How a simulator is to be.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = 3100)]
    port: u16,
    /// The IP address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,
    /// Allows a --host that other machines can reach, though anybody can log in.
    #[arg(long)]
    expose: bool,
    /// From which all identifiers follow: the same seed, the same users, codes and keys.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The AppID, such as that of your project in DevTools; made up otherwise.
    #[arg(long, value_parser = not_empty)]
    app_id: Option<String>,
    /// The AppSecret that a backend must bring; made up otherwise, and shown.
    #[arg(long, value_parser = not_empty, requires = "app_id")]
    app_secret: Option<String>,
    /// Lets the clock stand until it is told to move.
    #[arg(long)]
    virtual_clock: bool,
    /// Where the virtual clock stands at first, in seconds since 1970; at the moment of the start otherwise.
    #[arg(long, value_name = "SECONDS", requires = "virtual_clock")]
    clock_at: Option<u64>,
}

/// What is printed at the start.
struct Announcement<'a> {
    base_url: &'a str,
    app_id: &'a str,
    /// Absent if it was given, and so is known.
    app_secret: Option<&'a str>,
    /// Whether a person reads it at a terminal: then it has several lines.
    for_people: bool,
}

/// Simulates until a signal says stop.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    if !arguments.host.is_loopback() && !arguments.expose {
        return Err(Failure::message(format!(
            "the WeChat simulator logs in anybody, so it does not listen on `{}`, which other machines can reach\n  \
             hint: leave out --host, or allow it with --expose",
            arguments.host
        )));
    }
    let telemetry = telemetry::init(&telemetry::Options {
        level: LevelFilter::Info,
        targets: &[],
        style: LogStyle::Text,
        profile: Profile::Development,
    })
    .map_err(Failure::internal)?;
    let simulated = actix_rt::System::new().block_on(simulate(arguments));
    telemetry.flush().map_err(Failure::internal)?;
    simulated
}

async fn simulate(arguments: Arguments) -> Result<(), Failure> {
    let secret_is_known = arguments.app_secret.is_some();
    let mut signals = Signals::listen().map_err(Failure::internal)?;
    let simulator = Simulator::start(options(arguments)).await;
    let simulator = simulator.map_err(|error| refused(&error))?;
    let mut out = io::stdout();
    let announcement = Announcement {
        base_url: &simulator.base_url(),
        app_id: simulator.app_id(),
        app_secret: (!secret_is_known).then_some(simulator.app_secret()),
        for_people: out.is_terminal(),
    };
    out.write_all(announcement.to_string().as_bytes())
        .map_err(Failure::internal)?;
    signals.next().await;
    simulator.stop().await;
    Ok(())
}

fn options(arguments: Arguments) -> Options {
    let seed = arguments.seed;
    let defaults = Options::new(seed);
    let apps = match arguments.app_id {
        None => defaults.apps,
        Some(id) => {
            let made_up = App::named(seed, &id).secret;
            vec![App {
                id,
                secret: arguments.app_secret.unwrap_or(made_up),
                open_platform: None,
            }]
        }
    };
    let clock = match (arguments.virtual_clock, arguments.clock_at) {
        (false, _) => Clock::system(),
        (true, None) => Clock::virtual_now(),
        (true, Some(at)) => Clock::virtual_at(at),
    };
    Options {
        listen: SocketAddr::new(arguments.host, arguments.port),
        allow_remote: arguments.expose,
        clock,
        apps,
        ..defaults
    }
}

fn refused(error: &StartError) -> Failure {
    let StartError::Listen { address, cause } = error else {
        return Failure::internal(error);
    };
    let what = if cause.kind() == io::ErrorKind::AddrInUse {
        "another process listens there already".to_owned()
    } else {
        cause.to_string()
    };
    Failure::message(format!(
        "the WeChat simulator cannot listen on `{address}`: {what}\n  \
         hint: stop that process, or choose another port, as in --port {}",
        address.port().checked_add(1).unwrap_or(3100)
    ))
}

fn host(text: &str) -> Result<IpAddr, AddrParseError> {
    match text {
        "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        address => address.parse(),
    }
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        Err("it is empty")
    } else {
        Ok(text.to_owned())
    }
}

impl Announcement<'_> {
    fn facts(&self) -> [(&'static str, String); 5] {
        let Self {
            base_url, app_id, ..
        } = self;
        let secret = self.app_secret.unwrap_or("as given");
        let shown = self.app_secret.unwrap_or("…");
        let backend = format!(
            "WEAPP_WECHAT__BASE_URL={base_url} WEAPP_APPS__MAIN__APP_ID={app_id} WEAPP_APPS__MAIN__APP_SECRET={shown} \
             weapp-login"
        );
        let code = format!("curl -X POST {base_url}/simulator/users/mei/login-code");
        [
            ("listening", (*base_url).to_owned()),
            ("AppID", (*app_id).to_owned()),
            ("AppSecret", secret.to_owned()),
            ("a backend", backend),
            ("a code", code),
        ]
    }
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.facts();
        let version = env!("CARGO_PKG_VERSION");
        if self.for_people {
            writeln!(f, "weapp-login {version}, WeChat simulator")?;
            return facts
                .iter()
                .try_for_each(|(name, fact)| writeln!(f, "  {name:<10} {fact}"));
        }
        write!(f, "weapp-login {version}, WeChat simulator")?;
        facts
            .iter()
            .try_for_each(|(name, fact)| write!(f, "; {name}: {fact}"))?;
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(app_secret: Option<&str>, for_people: bool) -> String {
        let announcement = Announcement {
            base_url: "http://127.0.0.1:3100",
            app_id: "wx0",
            app_secret,
            for_people,
        };
        announcement.to_string()
    }

    #[test]
    fn people_get_a_block() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            announced(Some("s3"), true),
            format!(
                "weapp-login {version}, WeChat simulator
  listening  http://127.0.0.1:3100
  AppID      wx0
  AppSecret  s3
  a backend  WEAPP_WECHAT__BASE_URL=http://127.0.0.1:3100 WEAPP_APPS__MAIN__APP_ID=wx0 WEAPP_APPS__MAIN__APP_SECRET=s3 weapp-login
  a code     curl -X POST http://127.0.0.1:3100/simulator/users/mei/login-code
"
            )
        );
    }

    #[test]
    fn machines_get_a_line_and_a_given_secret_stays_unsaid() {
        let line = announced(None, false);
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("; AppSecret: as given; "), "{line}");
    }
}
