//! Matches paths as Express does: case-insensitive, with or without a trailing slash.

use std::rc::Rc;

use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::uri::PathAndQuery;

/// The path at which a gateway asks about a request.
const AUTH: &str = "/auth";

/// A path that no route matches: all of theirs begin with a slash.
const NOWHERE: &str = "*";

/// The registered paths, such as `/login` or `/sessions/{id}`.
#[derive(Debug, Clone)]
pub struct PathMatching {
    registered: Rc<[&'static str]>,
    /// The path before each of them in requests; empty if there is none.
    base: Rc<str>,
}

impl PathMatching {
    /// Takes the paths as they are registered. A path in upper case or with a trailing slash would never match.
    pub fn new(registered: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            registered: registered.into_iter().collect(),
            base: "".into(),
        }
    }

    /// Takes the path before the registered ones in requests. It is removed from them, and a request without it matches
    /// nothing.
    #[must_use]
    pub fn below(self, base: &str) -> Self {
        Self {
            base: base.into(),
            ..self
        }
    }

    /// Rewrites the path of a request to its registered spelling and calls the inner service. For `wrap_fn`.
    ///
    /// Any request below `/auth/` becomes `GET /auth`, unless its path is registered: Envoy's `ext_authz` sends the method
    /// and the path of the original request, with a prefix.
    pub fn apply<S>(&self, mut request: ServiceRequest, inner: &S) -> S::Future
    where
        S: Service<ServiceRequest>,
    {
        if !self.base.is_empty() {
            let below = self.without_base(request.path()).map(str::to_owned);
            rewrite(&mut request, below.as_deref().unwrap_or(NOWHERE));
        }
        let spelling = self.spelling_of(request.path());
        if self.is_authorization(request.path()) {
            rewrite(&mut request, AUTH);
            request.head_mut().method = Method::GET;
        } else if let Some(spelling) = spelling {
            rewrite(&mut request, &spelling);
        }
        inner.call(request)
    }

    /// Returns `true` if a request to this path matches a registered one.
    pub fn contains(&self, path: &str) -> bool {
        self.registered
            .iter()
            .any(|registered| spell(registered, path).is_some())
    }

    /// Returns the path below the base; `None` if it is another path.
    fn without_base<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (base, rest) = path.split_at_checked(self.base.len())?;
        let is_below = base.eq_ignore_ascii_case(&self.base) && rest.starts_with('/');
        is_below.then_some(rest)
    }

    /// Returns `true` for `/auth/` and any path below that is not registered.
    fn is_authorization(&self, path: &str) -> bool {
        let below = path
            .split_at_checked(AUTH.len())
            .filter(|(start, rest)| start.eq_ignore_ascii_case(AUTH) && rest.starts_with('/'));
        below.is_some_and(|(_, rest)| rest == "/" || !self.contains(path))
    }

    /// Returns the registered spelling, or `None` if the path already has it or is not registered.
    fn spelling_of(&self, path: &str) -> Option<String> {
        if self.registered.contains(&path) {
            return None;
        }
        let spelling = self
            .registered
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
    fn a_registered_path_below_auth_keeps_its_meaning() {
        let paths = PathMatching::new(["/auth", "/auth/notes"]);
        for path in ["/auth/", "/Auth/", "/auth/x", "/auth//", "/auth/notes/x"] {
            assert!(paths.is_authorization(path), "{path}");
        }
        for path in [
            "/auth",
            "/auth/notes",
            "/AUTH/Notes/",
            "/authx",
            "/aut",
            "/",
            "/auté/x",
        ] {
            assert!(!paths.is_authorization(path), "{path}");
        }
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
