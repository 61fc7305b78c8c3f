//! `PUT /user/avatar`, `POST /user/avatar` and `GET /avatars/{name}`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_guarded_server::HttpServer;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse};
use futures_util::future::join;
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::harness::{Folder, Reply, TestApp, bearer};
use crate::server::{Binary, PRODUCTION, ask_over, listen};

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let picture = DynamicImage::new_rgb8(width, height);
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

async fn with_store(store: &str, settings: &[(&str, &str)]) -> TestApp {
    let mut all = vec![("WEAPP_AVATAR__STORE", store)];
    all.extend(settings);
    TestApp::with(&all).await
}

async fn in_folder(folder: &Folder) -> TestApp {
    with_store(&pictures(folder).display().to_string(), &[]).await
}

fn pictures(folder: &Folder) -> PathBuf {
    folder.path().join("avatars")
}

/// Returns the number of files in a folder and its folders.
pub(crate) fn files_in(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let entries = entries.map(|entry| entry.unwrap().path());
    let count = |path: PathBuf| if path.is_dir() { files_in(&path) } else { 1 };
    entries.map(count).sum()
}

pub(crate) async fn put(app: &TestApp, token: &str, file: Vec<u8>) -> Reply {
    let request = TestRequest::put().uri("/user/avatar").set_payload(file);
    let request = request.insert_header(("host", "192.168.1.7:3000"));
    app.call(request.insert_header(bearer(token))).await
}

#[track_caller]
fn url_in(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let url = &reply.json()["data"]["user"]["avatar_url"];
    url.as_str().unwrap().to_owned()
}

/// Fetches a picture by the path of its URL.
async fn fetch(app: &TestApp, url: &str, tag: Option<&str>) -> (u16, HeaderMap, Bytes) {
    let path = url
        .find("/avatars/")
        .map_or(url, |start| url.split_at(start).1);
    let mut request = TestRequest::get().uri(path);
    if let Some(tag) = tag {
        request = request.insert_header(("if-none-match", tag));
    }
    app.fetch(request).await
}

#[actix_rt::test]
async fn an_uploaded_picture_is_served_and_replaced() {
    let folder = Folder::new();
    let app = in_folder(&folder).await;
    let token = app.token_of("mei").await;
    let first = url_in(&put(&app, &token, png(600, 300)).await);
    assert!(
        first.starts_with("http://192.168.1.7:3000/avatars/"),
        "{first}"
    );

    let (status, headers, picture) = fetch(&app, &first, None).await;
    assert_eq!(status, 200);
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(headers.get(name).unwrap(), value);
    }
    let shown = image::load_from_memory_with_format(&picture, ImageFormat::Jpeg).unwrap();
    assert_eq!((shown.width(), shown.height()), (512, 256));
    let tag = headers.get("etag").unwrap().to_str().unwrap();
    let (status, _, body) = fetch(&app, &first, Some(tag)).await;
    assert_eq!((status, body.len()), (304, 0));
    assert_eq!(fetch(&app, &first, Some("\"other\"")).await.0, 200);

    let user = app.ask(Method::GET, "/user", &token).await;
    assert_eq!(url_in(&user), first);
    let export = app.ask(Method::GET, "/user/export", &token).await;
    assert_eq!(url_in(&export), first);

    let second = url_in(&put(&app, &token, png(600, 300)).await);
    assert_ne!(second, first);
    assert_eq!(fetch(&app, &first, None).await.0, 404);
    assert_eq!(fetch(&app, &second, None).await.0, 200);
    assert_eq!(files_in(&pictures(&folder)), 1);
}

#[actix_rt::test]
async fn a_picture_ends_with_the_profile_that_has_it() {
    let folder = Folder::new();
    let app = in_folder(&folder).await;
    let (mei, bo) = (app.token_of("mei").await, app.token_of("bo").await);
    let url = url_in(&put(&app, &mei, png(2, 2)).await);
    // Neither a change of another field nor another user's profile removes it.
    app.put_user(&mei, json!({ "nickname": "小美" })).await;
    let foreign = url.replace("http://192.168.1.7:3000", "https://cdn.example.com");
    app.put_user(&bo, json!({ "avatar_url": foreign })).await;
    app.put_user(&bo, json!({ "avatar_url": null })).await;
    assert_eq!(fetch(&app, &url, None).await.0, 200);
    app.put_user(&mei, json!({ "avatar_url": null })).await;
    assert_eq!(fetch(&app, &url, None).await.0, 404);

    put(&app, &mei, png(2, 2)).await;
    put(&app, &bo, png(2, 2)).await;
    assert_eq!(files_in(&pictures(&folder)), 2);
    let code = app.wechat.issue_code("mei");
    app.delete_user(&mei, &code).await.assert_data(json!({}));
    assert_eq!(files_in(&pictures(&folder)), 1);
}

#[actix_rt::test]
async fn an_operator_removes_a_user_with_their_picture() {
    let folder = Folder::new();
    let key = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";
    let keys = format!("alice:{key}");
    let store = pictures(&folder).display().to_string();
    let app = with_store(&store, &[("WEAPP_ADMIN__KEYS", &keys)]).await;
    let token = app.token_of("mei").await;
    let uploaded = put(&app, &token, png(2, 2)).await;
    assert_eq!(files_in(&pictures(&folder)), 1);
    let path = format!("/admin/users/{}", uploaded.user_id());
    let request = TestRequest::delete().uri(&path);
    let removed = app.call_admin(request.insert_header(bearer(key))).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(files_in(&pictures(&folder)), 0);
}

/// The deletion waits for the locked database after it has removed the pictures, and the upload ends meanwhile.
#[actix_rt::test]
async fn a_picture_of_an_upload_during_the_deletion_is_removed() {
    let folder = Folder::new();
    let app = in_folder(&folder).await;
    let token = app.token_of("mei").await;
    put(&app, &token, png(2, 2)).await;
    let of_user = fs::read_dir(pictures(&folder)).unwrap().next();
    let of_user = of_user.unwrap().unwrap().path();
    let code = app.wechat.issue_code("mei");
    let lock = app.lock_store();
    let deletion = app.delete_user(&token, &code);
    let upload = async {
        while files_in(&pictures(&folder)) > 0 {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
        fs::create_dir_all(&of_user).unwrap();
        fs::write(of_user.join("late.jpg"), png(2, 2)).unwrap();
        drop(lock);
    };
    let (deleted, ()) = join(deletion, upload).await;
    deleted.assert_data(json!({}));
    assert_eq!(files_in(&pictures(&folder)), 0);
}

#[actix_rt::test]
async fn wx_upload_file_sends_a_form_with_any_field_name() {
    let folder = Folder::new();
    let app = in_folder(&folder).await;
    let token = app.token_of("mei").await;
    let post = |form: Vec<u8>| {
        let kind = "multipart/form-data; boundary=X-W";
        let request = TestRequest::post().uri("/user/avatar").set_payload(form);
        let request = request.insert_header(("content-type", kind));
        app.call(request.insert_header(bearer(&token)))
    };
    let part = |head: &str, body: &[u8]| {
        [
            b"--X-W\r\nContent-Disposition: form-data; ",
            head.as_bytes(),
            b"\r\n\r\n",
            body,
            b"\r\n",
        ]
        .concat()
    };
    let end = b"--X-W--\r\n".to_vec();
    for name in ["file", "avatar"] {
        let head = format!("name=\"{name}\"; filename=\"tmp_0b5f.png\"\r\nContent-Type: image/png");
        let form = [
            part("name=\"note\"", b"hi"),
            part(&head, &png(3, 3)),
            end.clone(),
        ];
        url_in(&post(form.concat()).await);
    }
    let form = [part("name=\"note\"", b"hi"), end].concat();
    post(form).await.assert_error(400, "avatar_missing");
    let cut = part("name=\"file\"; filename=\"a.png\"", &png(3, 3));
    post(cut[..cut.len() - 20].to_vec())
        .await
        .assert_error(400, "malformed_body");
}

#[actix_rt::test]
async fn each_unusable_file_has_its_error() {
    let folder = Folder::new();
    let store = pictures(&folder).display().to_string();
    let app = with_store(&store, &[("WEAPP_AVATAR__MAX_BYTES", "50000")]).await;
    let token = app.token_of("mei").await;
    let noise = [png(2, 2), vec![0; 50_000]].concat();
    for (file, status, error) in [
        (Vec::new(), 400, "avatar_missing"),
        (noise, 413, "avatar_too_large"),
        (bomb().clone(), 413, "avatar_too_large"),
        (b"\0\0\0\x18ftypheic".to_vec(), 415, "avatar_unsupported"),
        (png(200, 200)[..100].to_vec(), 400, "avatar_malformed"),
    ] {
        put(&app, &token, file).await.assert_error(status, error);
    }
    let user = app.ask(Method::GET, "/user", &token).await;
    assert_eq!(user.json()["data"]["user"]["avatar_url"], Value::Null);
    assert_eq!(files_in(&pictures(&folder)), 0);
}

#[actix_rt::test]
async fn uploads_are_limited_per_user_and_off_without_a_store() {
    let folder = Folder::new();
    let store = pictures(&folder).display().to_string();
    let app = with_store(&store, &[("WEAPP_LIMITS__USER_CALLS_PER_MINUTE", "2")]).await;
    let (mei, bo) = (app.token_of("mei").await, app.token_of("bo").await);
    for _ in 0..2 {
        url_in(&put(&app, &mei, png(2, 2)).await);
    }
    put(&app, &mei, png(2, 2))
        .await
        .assert_error(429, "rate_limited");
    url_in(&put(&app, &bo, png(2, 2)).await);
    put(&app, "wxs_none", png(2, 2))
        .await
        .assert_error(401, "session_required");

    fs::remove_dir_all(folder.path().join("avatars")).unwrap();
    fs::write(folder.path().join("avatars"), "a file").unwrap();
    put(&app, &bo, png(2, 2))
        .await
        .assert_error(503, "avatar_unavailable");

    let off = TestApp::with(&PRODUCTION).await;
    let token = off.token_of("mei").await;
    put(&off, &token, png(2, 2))
        .await
        .assert_error(403, "avatar_off");
}

#[actix_rt::test]
async fn a_name_that_was_never_given_out_is_not_found() {
    let folder = Folder::new();
    let app = in_folder(&folder).await;
    fs::write(folder.path().join("secret.jpg"), "secret").unwrap();
    for path in [
        "/avatars/..%2Fsecret.jpg",
        "/avatars/%2E%2E%2Fsecret.jpg",
        "/avatars/../secret.jpg",
        "/avatars/secret.jpg",
        &format!("/avatars/{}.jpg", "0".repeat(64)),
    ] {
        assert_eq!(fetch(&app, path, None).await.0, 404, "{path}");
    }
}

/// A PNG of few bytes and 225 million black pixels.
fn bomb() -> &'static Vec<u8> {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let (width, height) = (15_000_u32, 15_000_u32);
        let chunk = |kind: &[u8], data: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(kind);
            crc.update(data);
            let length = u32::try_from(data.len()).unwrap().to_be_bytes();
            [&length, kind, data, &crc.sum().to_be_bytes()].concat()
        };
        // One bit per pixel, gray.
        let header = [
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[1, 0, 0, 0, 0],
        ]
        .concat();
        let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let row = vec![0; 1 + usize::try_from(width).unwrap().div_ceil(8)];
        for _ in 0..height {
            pixels.write_all(&row).unwrap();
        }
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &header),
            chunk(b"IDAT", &pixels.finish().unwrap()),
            chunk(b"IEND", &[]),
        ]
        .concat()
    })
}

/// Returns the largest memory that the process has had, in KiB.
fn peak_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[test]
fn a_decompression_bomb_takes_no_memory() {
    assert!(bomb().len() < 200_000, "{}", bomb().len());
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let (token, _) = server.log_in("the code is a mock one");
    let head = format!(
        "PUT /user/avatar HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n",
        bomb().len()
    );
    let upload = [head.as_bytes(), bomb()].concat();
    let before = peak_of(server.id());
    for _ in 0..5 {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let reply = ask_over(stream, &upload);
        assert!(reply.contains("avatar_too_large"), "{reply}");
    }
    let grown = peak_of(server.id()) - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
}

/// A bucket: its objects by path, and the requests' methods.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    fails: Arc<AtomicBool>,
}

/// Replies as S3 does, to signed requests only.
async fn s3(bucket: web::Data<Bucket>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    let signed = header("authorization").unwrap_or_default();
    assert!(
        signed.starts_with("AWS4-HMAC-SHA256 Credential=KEYID/"),
        "{signed}"
    );
    assert!(signed.contains("/cn-north-1/s3/aws4_request"), "{signed}");
    if bucket.fails.load(Ordering::Relaxed) {
        return HttpResponse::Forbidden().finish();
    }
    let mut objects = bucket.objects.lock().unwrap();
    let path = request.path().to_owned();
    match *request.method() {
        Method::PUT => {
            objects.insert(path, body);
            HttpResponse::Ok().insert_header(("etag", "\"1\"")).finish()
        }
        Method::DELETE => {
            objects.remove(&path);
            HttpResponse::NoContent().finish()
        }
        _ if request.query_string().contains("list-type=2") => {
            let keys = objects.keys().filter_map(|key| key.strip_prefix("/weapp/"));
            let contents = |key| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-11-27T08:00:00Z</LastModified><Size>1</Size><ETag>1</ETag></Contents>"
                )
            };
            let contents: String = keys.map(contents).collect();
            HttpResponse::Ok().body(format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
            ))
        }
        _ => match objects.get(&path) {
            Some(object) => HttpResponse::Ok()
                .insert_header(("etag", "\"1\""))
                .insert_header(("last-modified", "Fri, 27 Nov 2026 08:00:00 GMT"))
                .body(object.clone()),
            None => HttpResponse::NotFound().finish(),
        },
    }
}

#[actix_rt::test]
async fn a_bucket_keeps_the_pictures_instead_of_a_folder() {
    let bucket = Bucket::default();
    let data = web::Data::new(bucket.clone());
    let (listener, port) = listen();
    let endpoint = format!("http://127.0.0.1:{port}");
    let service = move || {
        App::new()
            .app_data(data.clone())
            .default_service(web::to(s3))
    };
    let server = HttpServer::new(service).workers(1).disable_signals();
    let running = server.listen(listener).unwrap().run();
    let handle = running.handle();
    drop(actix_rt::spawn(running));
    let app = with_store(
        "s3://weapp/faces",
        &[
            ("WEAPP_AVATAR__S3_ENDPOINT", &*endpoint),
            ("WEAPP_AVATAR__S3_REGION", "cn-north-1"),
            ("WEAPP_AVATAR__S3_PATH_STYLE", "true"),
            ("WEAPP_AVATAR__S3_ACCESS_KEY_ID", "KEYID"),
            ("WEAPP_AVATAR__S3_SECRET_ACCESS_KEY", "hunter2"),
            (
                "WEAPP_AVATAR__PUBLIC_URL",
                "https://cdn.example.com/avatars/",
            ),
        ],
    )
    .await;
    let token = app.token_of("mei").await;
    let count = || bucket.objects.lock().unwrap().len();
    url_in(&put(&app, &token, png(2, 2)).await);
    let url = url_in(&put(&app, &token, png(2, 2)).await);
    assert!(url.starts_with("https://cdn.example.com/avatars/"), "{url}");
    assert_eq!(count(), 1);
    let stored = bucket
        .objects
        .lock()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone();
    assert!(stored.starts_with("/weapp/faces/"), "{stored}");
    assert_eq!(fetch(&app, &url, None).await.0, 200);

    let fails = |fails| bucket.fails.store(fails, Ordering::Relaxed);
    fails(true);
    put(&app, &token, png(2, 2))
        .await
        .assert_error(503, "avatar_unavailable");
    let delete = async || {
        let code = app.wechat.issue_code("mei");
        app.delete_user(&token, &code).await
    };
    delete().await.assert_error(503, "avatar_unavailable");
    assert_eq!(app.rows_in("user"), 1);
    fails(false);
    delete().await.assert_data(json!({}));
    assert_eq!((count(), app.rows_in("user")), (0, 0));
    drop(handle.stop(false));
}
