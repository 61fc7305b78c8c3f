//! Tests of the whole server: one binary with one harness, and one file per feature.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(clippy::expect_used, reason = "a test may fail loudly")]
#![expect(clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::indexing_slicing, reason = "a test may fail loudly")]

mod admin;
mod apps;
mod avatar;
mod backup;
mod base_path;
mod built_in_simulator;
mod command_line;
mod console;
mod console_users;
mod cross_origin;
mod decrypt;
mod deletion;
mod devices;
mod diagnosis;
mod docs;
mod error_language;
mod events;
mod express;
mod failures;
mod foreign_pages;
mod gateway;
mod harness;
mod health;
mod idempotency;
mod inherited;
mod json_log;
mod kept_phone_numbers;
mod kept_sessions;
mod key_history;
mod layout;
mod limits;
mod listening;
mod login;
mod metrics;
mod migrate;
mod oauth;
mod openapi;
mod outbound;
mod parallel;
mod people;
mod phone;
mod postgres;
mod process;
mod profile;
mod real_projects;
mod rejections;
mod rolling;
mod routes;
mod secrets;
mod server;
mod session;
mod session_key;
mod simulate;
mod sources;
mod stop;
mod store_faults;
mod users;
// <!-- only here -->
mod language;
mod words;
// <!-- everywhere -->
