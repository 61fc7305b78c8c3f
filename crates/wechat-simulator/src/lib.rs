#![doc = include_str!("../README.md")]

mod app_handle;
mod bounded;
mod clock;
mod control;
mod crypto;
mod endpoint;
mod endpoints;
mod errors;
mod faults;
mod guard;
mod identifiers;
mod json;
mod options;
mod payload;
mod replies;
mod reply;
mod request_log;
mod server;
mod simulator;
mod state;
mod tls;

pub use app_handle::AppHandle;
pub use clock::Clock;
pub use control::{CommandReply, Commands};
pub use endpoint::{Endpoint, Limits};
pub use faults::Fault;
pub use guard::{Foreign, Guard};
pub use options::{App, Options, RotateAt, SessionKeyPolicy};
pub use payload::{EncryptedData, Payload};
pub use request_log::RecordedRequest;
pub use simulator::{Simulator, StartError};
pub use state::encrypt_keys::EncryptKey;
pub use state::history::Payment;
pub use state::users::{MOCK_USER, TestUser};
pub use tls::{API_HOSTS, Tls, TlsError};
