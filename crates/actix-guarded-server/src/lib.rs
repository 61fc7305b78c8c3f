#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("this crate needs Unix sockets: on Windows, build in WSL 2");

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
