#![doc = include_str!("../README.md")]
//!
//! # Structure
//!
//! [`app()`] assembles the App that `main` serves and that the tests call, from [`Parts`]. [`app_with`] adds routes of your own.

pub mod account;
pub mod administration;
mod app;
pub mod apps;
mod checked;
pub mod console;
mod console_parts;
mod current_request;
pub mod error;
pub mod events;
pub mod handlers;
pub mod identity;
pub mod language;
pub mod limits;
pub mod login;
mod masking;
pub mod metrics;
pub mod middleware;
pub mod openapi;
mod parts;
pub mod pictures;
pub mod platforms;
pub mod readiness;
pub mod routes;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod testing;
pub mod time;

pub use app::{AppFactory, admin_app, app, app_with, metrics_app};
pub use checked::PartsError;
pub use console_parts::Console;
pub use parts::{Parts, lifetimes};
pub use utoipa;
