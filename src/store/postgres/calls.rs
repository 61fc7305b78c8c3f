//! The calls of the store: reads, writes that run to their end, and the check of the cache.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::store::cached::Invalidation;
use crate::store::interface::Reply;
use crate::store::postgres::Postgres;
use crate::store::postgres::node::Node;
use crate::store::postgres::problem::Problem;

impl Postgres {
    /// Runs a write to its end, even if the caller goes away, and with it the eviction of what it has changed.
    pub(super) fn write<T: Send + 'static, F>(
        &self,
        write: impl FnOnce(Arc<Node>) -> F,
    ) -> Reply<'_, T>
    where
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        Box::pin(self.worker.run(write(Arc::clone(&self.node))))
    }

    /// Reads, unless too many calls are pending.
    pub(super) fn read<'a, T: Send + 'a>(
        &'a self,
        read: impl Future<Output = Result<T, Problem>> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            let _place = self.worker.place()?;
            Ok(read.await?)
        })
    }
}

impl Invalidation for Postgres {
    fn is_cache_current(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async {
            self.worker.is_open().is_ok() && self.node.invalidation.is_cache_current().await
        })
    }
}
