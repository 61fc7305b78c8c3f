//! `weapp-login users` on PostgreSQL, while a server runs.

use super::TestDatabase;
use crate::users;

#[test]
fn an_operator_manages_users_while_the_server_runs() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    users::check(&[("WEAPP_STORE__URL", &database.url())]);
}
