//! Matches paths as Express does: in any case, with or without a trailing slash.

use std::rc::Rc;

use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::uri::PathAndQuery;

/// The registered paths, such as `/login` or `/sessions/{id}`.
#[derive(Debug, Clone)]
pub struct PathMatching(Rc<[&'static str]>);

impl PathMatching {
    /// Takes the paths as they are registered. A path in upper case or with a trailing slash would never match.
    pub fn new(registered: impl IntoIterator<Item = &'static str>) -> Self {
        Self(registered.into_iter().collect())
    }

    /// Rewrites the path of a request to its registered spelling and calls the inner service. For `wrap_fn`.
    pub fn apply<S>(&self, mut request: ServiceRequest, inner: &S) -> S::Future
    where
        S: Service<ServiceRequest>,
    {
        if let Some(spelling) = self.spelling_of(request.path()) {
            rewrite(&mut request, &spelling);
        }
        inner.call(request)
    }

    /// Returns `true` if a request to this path matches a registered one.
    pub fn contains(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|registered| spell(registered, path).is_some())
    }

    /// Returns the registered spelling, or `None` if the path already has it or is not registered.
    fn spelling_of(&self, path: &str) -> Option<String> {
        if self.0.contains(&path) {
            return None;
        }
        let spelling = self
            .0
            .iter()
            .find_map(|registered| spell(registered, path))?;
        (spelling != path).then_some(spelling)
    }
}

/// Returns the path in the spelling of `registered`, or `None` if it is another path. Parameters keep their case.
fn spell(registered: &str, path: &str) -> Option<String> {
    let path = path
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty())
        .unwrap_or(path);
    if registered.split('/').count() != path.split('/').count() {
        return None;
    }
    let segments = registered
        .split('/')
        .zip(path.split('/'))
        .map(|(registered, given)| {
            if registered.starts_with('{') {
                (!given.is_empty()).then_some(given)
            } else {
                registered.eq_ignore_ascii_case(given).then_some(registered)
            }
        });
    Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
}

fn rewrite(request: &mut ServiceRequest, path: &str) {
    let mut parts = request.head().uri.clone().into_parts();
    let query = request.head().uri.query().map(|query| format!("?{query}"));
    let target = format!("{path}{}", query.unwrap_or_default());
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    let Ok(uri) = actix_web::http::Uri::from_parts(parts) else {
        return;
    };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, spelling: Option<&str>) {
        let paths = PathMatching::new([
            "/login",
            "/sessions",
            "/sessions/{id}",
            "/sessions/{id}/name",
        ]);
        assert_eq!(paths.spelling_of(path).as_deref(), spelling);
    }

    #[test]
    fn case_and_one_trailing_slash_are_ignored() {
        check("/login", None);
        check("/LOGIN", Some("/login"));
        check("/Login/", Some("/login"));
        check("/login/", Some("/login"));
        check("/SESSIONS/AbC", Some("/sessions/AbC"));
        check("/sessions/AbC/Name/", Some("/sessions/AbC/name"));
        check("/sessions/AbC", None);
    }

    #[test]
    fn other_differences_do_not_match() {
        for path in [
            "/", "//", "//login", "/login//", "/loginx", "/login/x", "", "/./login",
        ] {
            check(path, None);
        }
        check("/sessions//", None);
        check("/sessions//name", None);
    }
}
