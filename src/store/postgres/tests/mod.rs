//! Tests with a PostgreSQL server. They run if `WEAPP_TEST_POSTGRES` has its URL, each in a schema of its own.

mod contract;
mod copy;
mod failover;
mod faults;
mod identity;
mod opening;
mod people;
mod plans;
mod proxy;
mod schema;
mod stalled;
