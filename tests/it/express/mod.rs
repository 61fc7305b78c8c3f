//! Compares the server with recordings of Express, body-parser and morgan, over raw sockets.
//!
//! The recordings are in `tests/express/`. [`bodies::replay`] and [`lines::replay`] take the address of any server.

mod bodies;
mod bounds;
pub(crate) mod capture;
mod case;
mod contract;
mod injection;
mod lines;
mod served;
mod wire;
