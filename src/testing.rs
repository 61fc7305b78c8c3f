//! Tests of your own routes: the whole app with a simulated WeChat and a store of its own.
//!
//! ```
//! # use actix_web::{Responder, web};
//! # use weapp_login::app_with;
//! # use weapp_login::handlers::Success;
//! # use weapp_login::routes::{Guard, Row};
//! # use weapp_login::sessions::CurrentUser;
//! use weapp_login::testing::TestApp;
//!
//! async fn whoami(user: CurrentUser) -> impl Responder {
//!     Success(user.id().to_string())
//! }
//!
//! # actix_rt::System::new().block_on(async {
//! let rows = || vec![Row::get("/whoami", Guard::Session, web::to(whoami))];
//! let app = TestApp::start(|parts| app_with(parts, rows())).await;
//! let mei = app.log_in("mei").await;
//! assert_eq!(app.call(mei.get("/whoami")).await.status, 200);
//! # });
//! ```
//!
//! The module has no feature flag: it needs no dependency that the server does not have, and the linker drops what the
//! server does not call.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::{env, fmt, fs};

use actix_web::App;
use actix_web::body::{self, MessageBody};
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use wechat_simulator::{Options, Simulator};

use crate::Parts;
use crate::app::AppFactory;
use crate::settings::Settings;

/// An app under test. Its store is a temporary file, removed when this is dropped.
pub struct TestApp {
    call: Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, TestReply>>,
    wechat: Simulator,
    parts: Parts,
    folder: TemporaryFolder,
}

impl TestApp {
    /// Starts an app with the default settings, as the server assembles it:
    /// `TestApp::start(|parts| app_with(parts, routes()).app_data(data))`.
    ///
    /// # Panics
    /// If the app does not start.
    pub async fn start<T: AppFactory + 'static>(assemble: impl FnOnce(&Parts) -> App<T>) -> Self {
        Self::with_settings(&[], assemble).await
    }

    /// Starts an app with these settings, as environment variables: `[("WEAPP_SESSION__PER_USER", "1")]`.
    ///
    /// # Panics
    /// If the settings are invalid or the app does not start.
    #[expect(clippy::expect_used, reason = "a test may fail loudly")]
    pub async fn with_settings<T: AppFactory + 'static>(
        settings: &[(&str, &str)],
        assemble: impl FnOnce(&Parts) -> App<T>,
    ) -> Self {
        let folder = TemporaryFolder::new();
        let store = format!("sqlite://{}/weapp.db", folder.0.display());
        let environment = settings
            .iter()
            .copied()
            .chain([("WEAPP_STORE__URL", &*store)]);
        let loaded = Settings::load(environment, Path::new("no-such-folder"));
        let settings = loaded.expect("valid settings").settings;
        let wechat = Simulator::start(Options::new(1)).await;
        let wechat = wechat.expect("a simulated WeChat");
        let parts = Parts::new(&settings, Some(&wechat), true).await;
        let parts = parts.expect("a store");
        let service = Rc::new(init_service(assemble(&parts)).await);
        let call = move |request: TestRequest| -> LocalBoxFuture<'static, TestReply> {
            let service = Rc::clone(&service);
            Box::pin(async move {
                let response = service.call(request.to_request()).await;
                TestReply::read(response.expect("a response")).await
            })
        };
        Self {
            call: Box::new(call),
            wechat,
            parts,
            folder,
        }
    }

    /// Calls the app and reads the whole response.
    pub async fn call(&self, request: TestRequest) -> TestReply {
        (self.call)(request).await
    }

    /// Logs the WeChat user of this name in.
    ///
    /// # Panics
    /// If the login fails.
    #[expect(clippy::expect_used, reason = "a test may fail loudly")]
    pub async fn log_in(&self, name: &str) -> TestUser {
        let body = json!({ "code": self.wechat.issue_code(name) });
        let reply = self
            .call(TestRequest::post().uri("/login").set_json(body))
            .await;
        let json = reply.json();
        let token = json.pointer("/data/token").and_then(Value::as_str);
        TestUser {
            token: token.expect("a token").to_owned(),
        }
    }

    /// Returns the simulated WeChat, which can also be made to fail.
    pub fn wechat(&self) -> &Simulator {
        &self.wechat
    }

    /// Returns the parts of the app.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Returns a folder for files of the test. It is removed with the app.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }
}

impl fmt::Debug for TestApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestApp").finish_non_exhaustive()
    }
}

/// A user who is logged in. Makes requests with their token.
pub struct TestUser {
    token: String,
}

impl TestUser {
    /// Makes a `GET` request.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// Makes a `POST` request; add a body with `set_json`.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    /// Makes a `PUT` request; add a body with `set_json`.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    /// Makes a `DELETE` request.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// Makes a request of any method.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        let request = TestRequest::default().method(method).uri(path);
        request.insert_header((AUTHORIZATION, format!("Bearer {}", self.token)))
    }

    /// Returns the token.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for TestUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestUser(***)")
    }
}

/// A response with its whole body.
#[derive(Debug)]
pub struct TestReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl TestReply {
    async fn read<B: MessageBody>(response: ServiceResponse<B>) -> Self {
        let (_, response) = response.into_parts();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body::to_bytes(response.into_body()).await;
        Self {
            status,
            headers,
            body: body.unwrap_or_default(),
        }
    }

    /// Returns the body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A folder that is removed when this is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    #[expect(clippy::expect_used, reason = "a test may fail loudly")]
    fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("random numbers");
        let name = format!("weapp-login-{:016x}", u64::from_ne_bytes(random));
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
