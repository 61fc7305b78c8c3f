//! `tools requests session|login COUNT DATABASE WECHAT APP_ID APP_SECRET`: sends requests through the whole app, one by one, without sockets.
//!
//! The difference of two runs with different counts is the cost of the additional requests, without start and stop.

use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use weapp_login::settings::Settings;
use weapp_login::{Parts, app, telemetry};

use crate::BoxError;

pub(crate) async fn run(arguments: &[String]) -> Result<(), BoxError> {
    let [kind, count, database, wechat, app_id, app_secret] = arguments else {
        return Err("tools requests session|login COUNT DATABASE WECHAT APP_ID APP_SECRET".into());
    };
    let settings = settings(database, wechat, app_id, app_secret)?;
    let telemetry = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })?;
    let parts = Parts::new(&settings, None, false).await?;
    let app = init_service(app(&parts)).await;
    let reply_to = async |request: TestRequest| {
        let reply = call_service(&app, request.to_request()).await;
        let status = reply.status();
        let body = read_body(reply).await;
        if status == StatusCode::OK {
            Ok(String::from_utf8(body.to_vec())?)
        } else {
            Err(BoxError::from(format!("{status} {body:?}")))
        }
    };
    let count: u32 = count.parse()?;
    match kind.as_str() {
        "login" => {
            for number in 0..=count {
                reply_to(login(number)).await?;
            }
        }
        "session" => {
            let granted = reply_to(login(0)).await?;
            let (_, token) = granted.split_once("\"token\":\"").ok_or("no token")?;
            let (token, _) = token.split_once('"').ok_or("no token")?;
            let bearer = format!("Bearer {token}");
            for _ in 0..count {
                let check = TestRequest::get().uri("/session");
                reply_to(check.insert_header(("authorization", &*bearer))).await?;
            }
        }
        other => return Err(format!("`{other}` is neither session nor login").into()),
    }
    parts.store().close().await?;
    Ok(telemetry.flush()?)
}

fn login(number: u32) -> TestRequest {
    let body = format!("{{\"code\":\"{number:032}\"}}");
    let json = ("content-type", "application/json");
    TestRequest::post()
        .uri("/login")
        .insert_header(json)
        .set_payload(body)
}

fn settings(
    database: &str,
    wechat: &str,
    app_id: &str,
    secret: &str,
) -> Result<Settings, BoxError> {
    let store = format!("sqlite://{database}");
    let environment = [
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_LOG__FORMAT", "dev"),
        ("WEAPP_STORE__URL", &store),
        ("WEAPP_WECHAT__BASE_URL", wechat),
        ("WEAPP_APPS__MAIN__APP_ID", app_id),
        ("WEAPP_APPS__MAIN__APP_SECRET", secret),
    ];
    let loaded = Settings::load(environment, Path::new("no-such-folder"));
    Ok(loaded.map_err(|error| error.to_string())?.settings)
}
