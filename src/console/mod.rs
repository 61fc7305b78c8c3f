//! The events that the console shows: requests to the server and calls to the platform, joined by the id of the request.
//!
//! Nothing is recorded while no page is open.

mod call;
mod hub;
mod key;
mod request;

pub use call::observer;
pub use hub::{Event, Hub, Page, Position, Scope};
pub use key::ConsoleKey;
pub use request::RequestEvent;
