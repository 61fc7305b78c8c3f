//! The test harness: an app with its own store and its own simulated WeChat.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use actix_guarded_server::HttpServer;
use actix_web::body::{self, MessageBody};
use actix_web::dev::{ServerHandle, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use actix_web::web::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use weapp_login::session::Token;
use weapp_login::sessions::CurrentSession;
use weapp_login::settings::Settings;
use weapp_login::{Parts, admin_app, app};
use wechat_simulator::{self, Options, Simulator};

use crate::openapi;
use crate::server::listen;

/// A temporary folder of one test. Removed on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let name = format!("weapp-login-it-{:016x}", u64::from_ne_bytes(random));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store_url(&self) -> String {
        format!("sqlite://{}/weapp.db", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// The app as `main` assembles it, with a simulator and a store of its own.
pub(crate) struct TestApp {
    pub(crate) wechat: Simulator,
    pub(crate) parts: Parts,
    folder: Folder,
    /// Set when the app itself started the simulator, and not only its address is configured.
    simulated: bool,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with these settings, given as environment variables.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let wechat = Simulator::start(Options::new(7)).await.unwrap();
        let folder = Folder::new();
        let store_url = folder.store_url();
        let own = [
            ("WEAPP_STORE__URL", &*store_url),
            ("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1500"),
        ];
        let settings = load(own.iter().chain(settings).copied());
        let parts = Parts::new(&settings, Some(&wechat), false).await.unwrap();
        Self {
            wechat,
            parts,
            folder,
            simulated: true,
        }
    }

    /// Starts with several mini programs of these names.
    pub(crate) async fn serving(names: &[&str]) -> Self {
        Self::serving_with(names, &[]).await
    }

    /// Starts with several apps of these names, and with these settings.
    pub(crate) async fn serving_with(names: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut options = Options::new(7);
        options.apps = names
            .iter()
            .map(|name| wechat_simulator::App::named(7, name))
            .collect();
        let mut environment = Vec::new();
        for (name, app) in names.iter().zip(&options.apps) {
            let table = format!("WEAPP_APPS__{}__", name.to_uppercase());
            environment.push((format!("{table}APP_ID"), app.id.clone()));
            environment.push((format!("{table}APP_SECRET"), app.secret.clone()));
        }
        let wechat = Simulator::start(options).await.unwrap();
        let folder = Folder::new();
        environment.push(("WEAPP_STORE__URL".to_owned(), folder.store_url()));
        environment.push(("WEAPP_WECHAT__BASE_URL".to_owned(), wechat.base_url()));
        let more = settings.iter();
        environment.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self {
            parts: Parts::new(&load(environment), None, true).await.unwrap(),
            wechat,
            folder,
            simulated: false,
        }
    }

    /// Opens the store's file.
    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("weapp.db")).unwrap()
    }

    /// Returns the number of rows in a table of the store.
    pub(crate) fn rows_in(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = self.database().query_row(&sql, (), |row| row.get(0));
        count.unwrap()
    }

    /// Returns `true` if a file of the store contains these bytes.
    pub(crate) fn store_contains(&self, bytes: &[u8]) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    }

    /// Locks the store's file, as another process does while it writes. The returned connection unlocks it on drop.
    pub(crate) fn lock_store(&self) -> rusqlite::Connection {
        let holder = self.database();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        holder
    }

    /// Moves the last use of all sessions into the past.
    pub(crate) fn set_idle(&self, milliseconds: i64) {
        let sql = "UPDATE session SET last_seen = last_seen - ?1";
        assert!(self.database().execute(sql, [milliseconds]).unwrap() > 0);
    }

    /// Returns the stored time of the last use of any session, and does not change it.
    pub(crate) fn last_use(&self) -> Timestamp {
        let sql = "SELECT max(last_seen) FROM session";
        let last_seen = self.database().query_row(sql, (), |row| row.get(0));
        Timestamp::from_millisecond(last_seen.unwrap()).unwrap()
    }

    /// Waits until the stored time of the last use is later than `since`. Uses are recorded in the background.
    pub(crate) async fn wait_for_use_since(&self, since: Timestamp) {
        for _ in 0..1000 {
            if self.last_use() > since {
                return;
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the last use is {}", self.last_use());
    }

    /// Returns status and text of `GET /metrics`.
    pub(crate) async fn scrape(&self) -> (u16, String) {
        let (status, _, text) = self.fetch(TestRequest::get().uri("/metrics")).await;
        (status, String::from_utf8(text.to_vec()).unwrap())
    }

    /// Sends one request through the whole app, and returns the response unchecked: its status, headers and body.
    pub(crate) async fn fetch(&self, request: TestRequest) -> (u16, HeaderMap, Bytes) {
        let service = test::init_service(app(&self.parts)).await;
        read(test::call_service(&service, request.to_request()).await).await
    }

    /// The same with a request to the admin port.
    pub(crate) async fn fetch_admin(&self, request: TestRequest) -> (u16, HeaderMap, Bytes) {
        let service = test::init_service(admin_app(&self.parts)).await;
        read(test::call_service(&service, request.to_request()).await).await
    }

    /// Sends one request through the whole app.
    pub(crate) async fn call(&self, request: TestRequest) -> Reply {
        let service = test::init_service(app(&self.parts)).await;
        let request = request.to_request();
        let (method, path) = (request.method().clone(), request.path().to_owned());
        let response = test::call_service(&service, request).await;
        let reply = Reply::new(read(response).await);
        reply.assert_well_formed(self.simulated);
        if let Some(error) = reply.json()["error"].as_str() {
            openapi::assert_documented(&method, &path, reply.status.as_u16(), error);
        }
        reply
    }

    /// Sends one request to the admin port.
    pub(crate) async fn call_admin(&self, request: TestRequest) -> Reply {
        let reply = Reply::new(self.fetch_admin(request).await);
        reply.assert_well_formed(false);
        reply
    }

    pub(crate) async fn post_login(&self, body: Value) -> Reply {
        self.call(TestRequest::post().uri("/login").set_json(body))
            .await
    }

    pub(crate) async fn login(&self, code: &str) -> Reply {
        self.post_login(json!({ "code": code })).await
    }

    /// Logs in with additional headers.
    pub(crate) async fn login_with(&self, code: &str, headers: &[(&str, &str)]) -> Reply {
        let request = TestRequest::post()
            .uri("/login")
            .set_json(json!({ "code": code }));
        self.call(with_headers(request, headers)).await
    }

    /// Sends a request with a token and without a body.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str) -> Reply {
        let request = TestRequest::default().method(method).uri(path);
        self.call(request.insert_header(bearer(token))).await
    }

    /// Posts a body with a token.
    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        self.send(TestRequest::post().uri(path), token, body).await
    }

    /// Sends a body with a token.
    pub(crate) async fn send(&self, request: TestRequest, token: &str, body: Value) -> Reply {
        let request = request.insert_header(bearer(token)).set_json(body);
        self.call(request).await
    }

    /// Changes the profile of the token's user.
    pub(crate) async fn put_user(&self, token: &str, profile: Value) -> Reply {
        self.send(TestRequest::put().uri("/user"), token, profile)
            .await
    }

    /// Deletes the token's user, with a code that proves who asks for it.
    pub(crate) async fn delete_user(&self, token: &str, code: &str) -> Reply {
        let request = TestRequest::delete().uri("/user");
        self.send(request, token, json!({ "code": code })).await
    }

    /// Returns the number of requests to an endpoint of WeChat.
    pub(crate) fn requests_to(&self, endpoint: wechat_simulator::Endpoint) -> usize {
        let asked = self.wechat.requests();
        let of_it = asked
            .iter()
            .filter(|asked| asked.endpoint == Some(endpoint));
        of_it.count()
    }

    /// Returns the session of a token, as a handler gets it.
    pub(crate) async fn live(&self, token: &str) -> Option<CurrentSession> {
        let token = Token::parse(token).unwrap();
        let sessions = self.parts.sessions();
        let caller = sessions.check(&token, now()).await.unwrap()?;
        sessions.load(&caller).await.unwrap()
    }

    /// Logs a user in and returns the token.
    pub(crate) async fn token_of(&self, user: &str) -> String {
        self.login(&self.wechat.issue_code(user)).await.token()
    }

    pub(crate) async fn show_session(&self, token: &str) -> Reply {
        self.ask(Method::GET, "/session", token).await
    }

    pub(crate) async fn end_session(&self, token: &str) -> Reply {
        self.ask(Method::DELETE, "/session", token).await
    }

    /// Serves on a free port until the server is dropped.
    pub(crate) fn serve(&self) -> Server {
        let parts = self.parts.clone();
        let (listener, port) = listen();
        let server = HttpServer::new(move || app(&parts))
            .workers(2)
            .disable_signals()
            .listen(listener)
            .unwrap();
        let running = server.run();
        let handle = running.handle();
        drop(actix_rt::spawn(running));
        Server { port, handle }
    }
}

fn load<T: Into<OsString>>(environment: impl IntoIterator<Item = (T, T)>) -> Settings {
    let loaded = Settings::load(environment, Path::new("no-such-folder"));
    loaded.unwrap().settings
}

/// Reads a whole response.
async fn read(response: ServiceResponse<impl MessageBody>) -> (u16, HeaderMap, Bytes) {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = body::to_bytes(response.into_body()).await;
    (status, headers, body.unwrap_or_default())
}

/// Adds headers, of which several may have one name.
pub(crate) fn with_headers(request: TestRequest, headers: &[(&str, &str)]) -> TestRequest {
    headers
        .iter()
        .fold(request, |request, header| request.append_header(*header))
}

#[expect(clippy::disallowed_methods, reason = "the test is the caller")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// A server on a TCP port. Stopped on drop.
pub(crate) struct Server {
    pub(crate) port: u16,
    handle: ServerHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A complete response.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    fn new((status, headers, body): (u16, HeaderMap, Bytes)) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Asserts the properties of every response.
    #[track_caller]
    fn assert_well_formed(&self, simulated: bool) {
        let header = |name: &str| self.headers.get(name).map(|value| value.to_str().unwrap());
        assert!(
            header("x-request-id").is_some(),
            "no request id: {}",
            self.text
        );
        assert_eq!(header("x-wechat"), simulated.then_some("simulated"));
        if !self.text.is_empty() {
            assert_eq!(
                header(CONTENT_TYPE.as_str()),
                Some("application/json; charset=utf-8")
            );
            assert_eq!(header("cache-control"), Some("no-store"));
        }
        let unauthorized = self.status == StatusCode::UNAUTHORIZED;
        let challenge = header("www-authenticate");
        assert_eq!(challenge.is_some(), unauthorized, "{challenge:?}");
        let realm = "Bearer realm=\"weapp-login\"";
        assert!(challenge.is_none_or(|challenge| challenge.starts_with(realm)));
        if self.status.is_client_error() || self.status.is_server_error() {
            assert_eq!(self.json()["request_id"].as_str(), header("x-request-id"));
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()["data"]["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Asserts the whole body of a success.
    #[track_caller]
    pub(crate) fn assert_data(&self, data: Value) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let whole = json!({ "code": 0, "message": "success!", "data": data });
        assert_eq!(self.json(), whole);
    }

    #[track_caller]
    pub(crate) fn user_id(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()["data"]["user"]["id"]
            .as_str()
            .expect("a user")
            .to_owned()
    }

    /// Asserts the status and the whole body of an error, without the request id and WeChat's `rid`.
    #[track_caller]
    pub(crate) fn assert_error_body(&self, status: u16, mut whole: Value) {
        let mut reply = self.json();
        assert_eq!(self.status.as_u16(), status, "{reply}");
        if let Some(rid) = reply["wechat"]["rid"].as_str() {
            assert_eq!(rid.len(), 26, "{rid}");
            reply["wechat"]["rid"] = "[rid]".into();
            reply["platform"]["rid"] = "[rid]".into();
        }
        whole["request_id"] = reply["request_id"].clone();
        assert_eq!(reply, whole);
    }

    /// Asserts the status and the name of an error, and that its message is a sentence. Returns the body.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str) -> Value {
        let reply = self.json();
        assert_eq!(
            (self.status.as_u16(), reply["error"].as_str()),
            (status, Some(error)),
            "{reply}"
        );
        assert!(
            reply["message"]
                .as_str()
                .is_some_and(|message| message.ends_with('.')),
            "{reply}"
        );
        assert!(
            reply["code"].as_i64().is_some_and(|code| code != 0),
            "{reply}"
        );
        reply
    }
}
