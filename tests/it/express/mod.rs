//! Replays what Express, body-parser and morgan were recorded to do, over raw sockets.
//!
//! Knows the recordings in `tests/express/`. Never knows how the server under test is built:
//! [`bodies::replay`] and [`lines::replay`] take an address.

mod bodies;
mod bounds;
mod capture;
mod case;
mod injection;
mod judge;
mod lines;
mod served;
mod wire;
