//! The process: how it starts and stops.

fn main() {}
