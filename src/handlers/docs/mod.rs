//! `GET /docs` and `GET /openapi.json`: the API to read and to try.
//!
//! Knows the files of Swagger UI, which lie in the binary (the script `renew` brings newer ones), and how browsers keep them. Never knows what stands in the document.

mod file;

use std::sync::OnceLock;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{ApiError, ErrorCode, JSON, Refuses};
use crate::handlers::docs::file::{File, Freshness};

/// The page speaks to the server that it came from, and to nobody else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// All that there is to read. Made once, when somebody first wants to: nobody may ever, and it takes two megabytes.
#[derive(Debug)]
pub struct Docs {
    document: fn() -> String,
    made: OnceLock<Made>,
}

/// The document, the page, and the page's files by name.
#[derive(Debug)]
struct Made {
    document: File,
    page: File,
    files: Vec<(&'static str, File)>,
}

impl Docs {
    /// Takes what writes the OpenAPI document.
    pub fn new(document: fn() -> String) -> Self {
        Self {
            document,
            made: OnceLock::new(),
        }
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| Made::new(&(self.document)()))
    }
}

impl Made {
    /// Compresses what does not lie compressed in the binary.
    fn new(document: &str) -> Self {
        let bundle = include_bytes!("swagger-ui/swagger-ui-bundle.js.gz");
        let style = include_bytes!("swagger-ui/swagger-ui.css.gz");
        let files = vec![
            ("swagger-ui-bundle.js", File::gzipped(SCRIPT, bundle)),
            ("swagger-ui.css", File::gzipped(STYLE, style)),
            ("start.js", File::of(SCRIPT, include_str!("start.js"))),
            (
                "LICENSE.txt",
                File::of(TEXT, include_str!("swagger-ui/LICENSE.txt")),
            ),
        ];
        // With its digest in the address, a file never changes where it is.
        let page = files.iter().fold(
            include_str!("index.html").to_owned(),
            |page, (name, file)| page.replace(name, &format!("{name}?{}", file.digest())),
        );
        Self {
            document: File::of(JSON, document),
            page: File::of(HTML, &page),
            files,
        }
    }
}

impl Refuses for Docs {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::NotFound]
    }
}

/// Gives the OpenAPI document.
///
/// # Errors
/// None but `internal`.
pub async fn document(
    docs: web::Data<Docs>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    docs.made().document.reply(&request, Freshness::AskEachTime)
}

/// Gives the page.
///
/// # Errors
/// None but `internal`.
pub async fn page(docs: web::Data<Docs>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let page = &docs.made().page;
    let mut reply = page.reply(&request, Freshness::AskEachTime)?;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(reply)
}

/// Gives one of the page's files.
///
/// # Errors
/// `not_found` for a name that none of them has.
pub async fn file(
    docs: web::Data<Docs>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let mut files = docs.made().files.iter();
    let file = files.find(|(known, _)| *known == *name);
    let (_, file) = file.ok_or(ErrorCode::NotFound)?;
    file.reply(&request, Freshness::ForEver)
}
