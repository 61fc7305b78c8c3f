//! A row of the route table: path, method, guard, handler, and the facts for the OpenAPI document.

use std::ops::Deref;

use actix_web::Route;
use actix_web::http::Method;
use utoipa::openapi::OpenApi;

use crate::error::ErrorDefinition;

/// The condition under which a request reaches the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The request has the token of a live session. The handler may take `CurrentUser`.
    Session,
    /// The request has a service key.
    Service,
    /// The request has an admin key. The handler may take `Operator`.
    Admin,
    /// No condition.
    Open,
}

/// A route as the OpenAPI document describes it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The path in lower case, without a trailing slash; other spellings match too. `{name}` matches any one segment.
    pub path: &'static str,
    /// The method. A `GET` row responds to `HEAD` as well.
    pub method: Method,
    /// The guard.
    pub guard: Guard,
    /// The errors of the handler itself. Those of the guard, the body, the path and the query are added in the document.
    pub errors: Vec<ErrorDefinition>,
    /// The OpenAPI document of the handler's annotation alone.
    pub annotation: Option<fn() -> OpenApi>,
}

/// A row of the route table. Pass rows of your own to [`crate::app_with`].
///
/// ```
/// # use actix_web::{Responder, web};
/// use weapp_login::handlers::Success;
/// use weapp_login::routes::{Guard, Row};
///
/// async fn hello() -> impl Responder {
///     Success("hello")
/// }
///
/// let rows = vec![Row::get("/hello", Guard::Open, web::to(hello))];
/// ```
pub struct Row {
    endpoint: Endpoint,
    pub(super) route: Route,
}

impl Row {
    /// Routes `GET` and `HEAD` requests of a path to a handler: `web::to(handler)` or `annotated!(handler)`.
    pub fn get(path: &'static str, guard: Guard, handler: impl Into<Annotated>) -> Self {
        Self::new(Method::GET, path, guard, handler)
    }

    /// Routes `POST` requests.
    pub fn post(path: &'static str, guard: Guard, handler: impl Into<Annotated>) -> Self {
        Self::new(Method::POST, path, guard, handler)
    }

    /// Routes `PUT` requests.
    pub fn put(path: &'static str, guard: Guard, handler: impl Into<Annotated>) -> Self {
        Self::new(Method::PUT, path, guard, handler)
    }

    /// Routes `DELETE` requests.
    pub fn delete(path: &'static str, guard: Guard, handler: impl Into<Annotated>) -> Self {
        Self::new(Method::DELETE, path, guard, handler)
    }

    /// Routes requests of any other method.
    pub fn new(
        method: Method,
        path: &'static str,
        guard: Guard,
        handler: impl Into<Annotated>,
    ) -> Self {
        let Annotated { route, annotation } = handler.into();
        let endpoint = Endpoint {
            path,
            method,
            guard,
            errors: Vec::new(),
            annotation,
        };
        Self { endpoint, route }
    }

    /// Adds errors of the handler to the OpenAPI document.
    #[must_use]
    pub fn errors<E: Into<ErrorDefinition>>(mut self, errors: impl IntoIterator<Item = E>) -> Self {
        let errors = errors.into_iter().map(Into::into);
        self.endpoint.errors.extend(errors);
        self
    }

    /// Changes the route, to wrap a middleware around it.
    pub(super) fn map_route(self, change: impl FnOnce(Route) -> Route) -> Self {
        Self {
            route: change(self.route),
            ..self
        }
    }
}

impl Deref for Row {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// A handler with its OpenAPI annotation, if it has one.
pub struct Annotated {
    route: Route,
    annotation: Option<fn() -> OpenApi>,
}

impl Annotated {
    /// Pairs a handler with the document of its annotation. The macro `annotated!` calls this.
    pub fn new(route: Route, annotation: fn() -> OpenApi) -> Self {
        Self {
            route,
            annotation: Some(annotation),
        }
    }
}

impl From<Route> for Annotated {
    fn from(route: Route) -> Self {
        Self {
            route,
            annotation: None,
        }
    }
}

/// Makes a route of a handler that has a `#[utoipa::path(…)]` annotation, which then stands in the OpenAPI document.
///
/// `Row::get("/notes", Guard::Session, annotated!(notes::list))`
///
/// The annotated module needs `use weapp_login::utoipa;`, unless it depends on `utoipa` itself.
#[macro_export]
macro_rules! annotated {
    ($($handler:tt)+) => {{
        use $crate::routes::utoipa;

        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($handler)+))]
        struct Annotation;

        $crate::routes::Annotated::new(
            ::actix_web::web::to($($handler)+),
            <Annotation as utoipa::OpenApi>::openapi,
        )
    }};
}
