//! The handlers, one file for each family of URLs: parse, call, reply.

pub mod admin;
pub mod auth;
pub mod avatar;
mod code_field;
pub mod console;
pub mod console_log;
pub mod decrypt;
pub mod docs;
pub mod health;
pub mod introspection;
pub mod login;
pub mod metrics;
pub mod oauth;
pub mod paid;
pub mod personal_data;
pub mod phone;
pub mod real_projects;
mod reply;
pub mod session;
pub mod session_key;
pub mod sessions;
pub mod simulator;
mod stored_session;
pub mod user;

pub use reply::{EmptyData, Envelope, Success};
