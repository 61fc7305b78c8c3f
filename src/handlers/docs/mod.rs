//! `GET /docs` and `GET /openapi.json`: the documentation of the API, for browsers and for tools.
//!
//! The files of Swagger UI are compressed and compiled in; the script `renew` updates them.

use std::cell::OnceCell;
use std::fmt;
use std::io::{self, Read as _};
use std::sync::{Arc, OnceLock};

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, Encoding,
    Header as _, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, web};
use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::error::{ApiError, ErrorCode, JSON};
use crate::language::Language;

/// Allows the page to load from and to call its own server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The OpenAPI document of an app. Each language is made at its first request, because most processes never need it.
pub struct Docs {
    make: Box<dyn Fn(Language) -> String>,
    english: OnceCell<web::Bytes>,
    chinese: OnceCell<web::Bytes>,
    page: web::Bytes,
    start: web::Bytes,
    files: Arc<Files>,
}

/// The files of Swagger UI. All workers share them.
#[derive(Debug)]
pub struct Files {
    bundle: File,
    style: File,
}

/// A compressed file.
#[derive(Debug)]
struct File {
    gzipped: &'static [u8],
    /// The same without compression, from the first client that does not accept gzip.
    inflated: OnceLock<web::Bytes>,
}

impl Docs {
    /// Takes the function that makes the document in a language, the path below which the API is served, and the other files.
    pub fn new(
        make: impl Fn(Language) -> String + 'static,
        base_path: &str,
        files: Arc<Files>,
    ) -> Self {
        let below_base = |text: &str| {
            let text = ["\"/", "'/"].iter().fold(text.to_owned(), |text, start| {
                let (quote, slash) = start.split_at(1);
                text.replace(start, &format!("{quote}{base_path}{slash}"))
            });
            text.into()
        };
        Self {
            page: below_base(include_str!("index.html")),
            start: below_base(include_str!("start.js")),
            make: Box::new(make),
            english: OnceCell::new(),
            chinese: OnceCell::new(),
            files,
        }
    }

    fn document(&self, language: Language) -> web::Bytes {
        let document = match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        };
        let document = document.get_or_init(|| (self.make)(language).into());
        document.clone()
    }
}

impl Default for Files {
    fn default() -> Self {
        Self {
            bundle: File::new(include_bytes!("swagger-ui/swagger-ui-bundle.js.gz")),
            style: File::new(include_bytes!("swagger-ui/swagger-ui.css.gz")),
        }
    }
}

impl File {
    fn new(gzipped: &'static [u8]) -> Self {
        let inflated = OnceLock::new();
        Self { gzipped, inflated }
    }

    /// Returns the inflated file, and inflates it at most once in the life of the process.
    fn inflated(&self) -> io::Result<web::Bytes> {
        if let Some(inflated) = self.inflated.get() {
            return Ok(inflated.clone());
        }
        let mut inflated = Vec::new();
        GzDecoder::new(self.gzipped).read_to_end(&mut inflated)?;
        Ok(self.inflated.get_or_init(|| inflated.into()).clone())
    }
}

impl fmt::Debug for Docs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Docs").finish_non_exhaustive()
    }
}

/// The query of the document.
#[derive(Deserialize)]
pub struct DocumentQuery {
    #[serde(default)]
    lang: String,
}

/// Returns the OpenAPI document: in English, or with `?lang=zh` in Chinese.
pub async fn get_document(
    docs: web::Data<Docs>,
    query: Option<web::Query<DocumentQuery>>,
) -> impl Responder {
    let language = query.and_then(|query| Language::parse(&query.lang));
    response(JSON, "no-cache").body(docs.document(language.unwrap_or_default()))
}

/// Returns the page.
pub async fn get_page(docs: web::Data<Docs>) -> impl Responder {
    response(HTML, "no-cache")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(docs.page.clone())
}

/// Returns a file of the page: compressed if the client accepts gzip, otherwise inflated.
///
/// # Errors
/// `not_found` for an unknown name.
pub async fn get_file(
    name: web::Path<String>,
    docs: web::Data<Docs>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    let (content_type, packed) = match name.as_str() {
        "swagger-ui-bundle.js" => (SCRIPT, &docs.files.bundle),
        "swagger-ui.css" => (STYLE, &docs.files.style),
        "start.js" => return Ok(file(SCRIPT).body(docs.start.clone())),
        "LICENSE.txt" => return Ok(file(TEXT).body(include_str!("swagger-ui/LICENSE.txt"))),
        _ => return Err(ErrorCode::NotFound.into()),
    };
    let mut response = file(content_type);
    response.insert_header((VARY, "accept-encoding"));
    if accepts_gzip(&request) {
        response.insert_header((CONTENT_ENCODING, "gzip"));
        return Ok(response.body(packed.gzipped));
    }
    let inflated = packed.inflated();
    let inflated =
        inflated.map_err(|error| ApiError::from(ErrorCode::Internal).with_cause(error))?;
    Ok(response.body(inflated))
}

/// Starts the response with a file. Its address has the version of Swagger UI, so browsers may cache it for a day.
fn file(content_type: &str) -> HttpResponseBuilder {
    response(content_type, "public, max-age=86400")
}

fn response(content_type: &str, cache_control: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, cache_control))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Returns `true` if the request prefers gzip to no compression. Without `Accept-Encoding` it does not.
fn accepts_gzip(request: &HttpRequest) -> bool {
    let offered = [Encoding::identity(), Encoding::gzip()];
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}
