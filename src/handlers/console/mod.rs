//! `GET /` and `/console/…`: the page of the console, its files, and its data.

mod events;
mod state;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, Responder, web};

use crate::error::{ApiError, ErrorCode};

pub use events::get_events;
pub use state::{ConsoleState, explain_errcode, get_settings, get_state};

/// Allows the page to load from and to call its own server only.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Names a file of the folder `console`, with its content type and its content.
macro_rules! file {
    ($name:literal, $content_type:expr) => {
        (
            $name,
            $content_type,
            include_str!(concat!("../../../console/", $name)),
        )
    };
}

/// The page.
const PAGE: &str = include_str!("../../../console/index.html");

/// The files of the page: name, content type and content. They have no data, so they need no key.
const FILES: [(&str, &str, &str); 17] = [
    file!("admin.js", SCRIPT),
    file!("app.js", SCRIPT),
    file!("call.js", SCRIPT),
    file!("conflicts.js", SCRIPT),
    file!("copy.js", SCRIPT),
    file!("diagnosis.js", SCRIPT),
    file!("diagram.js", SCRIPT),
    file!("element.js", SCRIPT),
    file!("events.js", SCRIPT),
    file!("icon.svg", PICTURE),
    file!("language.js", SCRIPT),
    file!("log.js", SCRIPT),
    file!("outcome.js", SCRIPT),
    file!("phone.js", SCRIPT),
    file!("state.js", SCRIPT),
    file!("style.css", STYLE),
    file!("users.js", SCRIPT),
];

/// Returns the page.
pub async fn get_page() -> impl Responder {
    response("text/html; charset=utf-8", PAGE)
}

/// Returns a file of the page.
///
/// # Errors
/// `not_found` for an unknown name.
pub async fn get_file(name: web::Path<String>) -> Result<impl Responder, ApiError> {
    let file = FILES.iter().find(|(known, _, _)| *known == name.as_str());
    let (_, content_type, content) = file.ok_or(ErrorCode::NotFound)?;
    Ok(response(content_type, content))
}

/// Returns the paths that the page requests by itself.
pub fn paths() -> impl Iterator<Item = String> {
    let data = [
        "events",
        "state",
        "settings",
        "users",
        "conflicts",
        "statistics",
    ]
    .into_iter();
    let names = FILES.iter().map(|(name, _, _)| *name).chain(data);
    let paths = names.map(|name| format!("/console/{name}"));
    paths.chain(["/".to_owned()])
}

/// Every address is relative to the page, and the content changes with the version of the server, so browsers ask each time.
fn response(content_type: &str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(content)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Maximum size of all files, compressed.
    const LIMIT: usize = 60 * 1024;

    #[test]
    fn the_files_are_small() {
        let files = FILES.iter().map(|(_, _, content)| *content);
        let sizes = files.chain([PAGE]).map(|content| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content.as_bytes()).unwrap();
            encoder.finish().unwrap().len()
        });
        let size: usize = sizes.sum();
        assert!(size <= LIMIT, "{size} bytes");
    }

    /// A text from the server or a client is never read as markup or code, not even by mistake.
    #[test]
    fn no_script_makes_markup_of_a_text() {
        for (name, _, content) in FILES {
            for unsafe_call in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "createContextualFragment",
                "DOMParser",
                "eval(",
                "new Function",
                "srcdoc",
                "javascript:",
            ] {
                assert!(!content.contains(unsafe_call), "{name}: {unsafe_call}");
            }
        }
    }

    /// All files are embedded, and load nothing from another host. The known addresses are texts: the namespace of SVG, WeChat in a
    /// command to copy, and the Referer of a mini program.
    #[test]
    fn the_files_are_those_of_the_folder_and_name_no_other_host() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let mut known: Vec<_> = FILES.iter().map(|(name, _, _)| *name).collect();
        known.push("index.html");
        known.sort_unstable();
        assert_eq!(names, known);
        for content in FILES.iter().map(|(_, _, content)| *content).chain([PAGE]) {
            let content = content.replace("http://www.w3.org/2000/svg", "");
            for scheme in ["http://", "https://", "//cdn"] {
                let found = content.find(scheme);
                let found = found.and_then(|at| content.get(at..)).unwrap_or_default();
                let known = ["https://servicewechat.com", "https://api.weixin.qq.com"];
                let is_known = known.iter().any(|known| found.starts_with(known));
                assert!(found.is_empty() || is_known, "{found:.60}");
            }
        }
    }
}
