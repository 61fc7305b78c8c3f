//! Allows the web pages of the settings to call the API from their own origin (CORS).

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};

/// Time for which a browser caches a permission, in seconds. Our choice: Chrome's maximum.
const MAX_AGE_SECONDS: usize = 7200;

/// Returns the middleware. A page of another origin gets no permission, and its browser hides the response from it.
///
/// It must be outside of the guards, because a preflight has no token, and errors need the headers too. Without any origin it
/// is not needed.
pub fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // The token is in a header of the request, and not in a cookie, so a header alone gives a page no rights.
        .allow_any_header()
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            RETRY_AFTER,
            WWW_AUTHENTICATE,
        ])
        .max_age(MAX_AGE_SECONDS);
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Returns the host names of origins, which may send requests while WeChat is simulated.
pub fn hosts(origins: &[String]) -> impl Iterator<Item = &str> {
    origins.iter().filter_map(|origin| {
        let (_, authority) = origin.split_once("://")?;
        let port = authority.rfind(':').filter(|_| !authority.ends_with(']'));
        authority.get(..port.unwrap_or(authority.len()))
    })
}
