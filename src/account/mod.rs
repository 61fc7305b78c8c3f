//! The use cases of an account's life beyond its login: what this backend asks WeChat for, and on whose behalf.
//!
//! Knows the order of the steps and what must hold between them. Time is an argument.
//! Never knows HTTP, JSON, SQL, WeChat's numbers or where settings came from.

pub mod access_token;
