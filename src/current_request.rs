//! The id of the request for which a task works, so that events of the same request can be joined.

use std::sync::Arc;

tokio::task_local! {
    static CURRENT: Option<Arc<str>>;
}

/// Returns the id of the request for which the current task works, if it is known.
pub(crate) fn id() -> Option<Arc<str>> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// Runs a future as work for the request with this id.
pub(crate) fn within<F: Future>(
    id: Option<Arc<str>>,
    future: F,
) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn the_id_is_that_of_the_innermost_request() {
        assert_eq!(id(), None);
        let inner = within(Some("inner".into()), async { id() });
        let seen = within(Some("outer".into()), async { (id(), inner.await, id()) }).await;
        let [outer, inner] = ["outer", "inner"].map(|text| Some(Arc::from(text)));
        assert_eq!(seen, (outer.clone(), inner, outer));
    }
}
