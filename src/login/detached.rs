//! Work that continues without its caller.

use std::panic::resume_unwind;

use crate::{current_request, store};

/// Runs a future to completion, even if the caller stops waiting for it.
pub(crate) async fn detached<T: 'static, E: From<store::Error> + 'static>(
    work: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, E> {
    let work = current_request::within(current_request::id(), work);
    match actix_rt::spawn(work).await {
        Ok(result) => result,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => Err(store::Error::Closed.into()),
        },
    }
}
