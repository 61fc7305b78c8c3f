//! The handlers of the admin API, for operators.

pub mod statistics;
pub mod user;
pub mod users;
