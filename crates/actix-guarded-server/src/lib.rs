#![doc = include_str!("../README.md")]

mod body;
mod connection;
mod connections;
mod decisions;
mod limits;
mod server;
mod service;
mod stream;

pub use connections::{Connections, Cutoff};
pub use limits::Limits;
pub use server::{HttpServer, Listener};
