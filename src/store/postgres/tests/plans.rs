//! The plans of the prepared statements. PostgreSQL keeps a plan until the tables are analyzed again, so a plan that was made
//! for a small table must be right for a large one.

use crate::store::contract::login;
use crate::store::interface::{Revocation, Store as _, Update};
use crate::store::postgres::Postgres;
use crate::store::postgres::link::Link;
use crate::store::postgres::rows;
use crate::store::postgres::tests::schema::Schema;

/// Number of changed rows after which PostgreSQL analyzes a new table, with a few more. With less than that, all indices cost
/// the same.
const ANALYZED: u8 = 60;

/// Uses both connections for writes, and that for reads.
async fn run_statements(node: &Postgres) {
    for second in 0..10 {
        let login = login(1, second);
        let user = node.log_in(login.clone()).await.unwrap().user.id;
        assert!(node.find(login.digest).await.unwrap().is_some());
        assert!(node.session_status(login.digest).await.unwrap().is_some());
        assert!(!node.sessions_of(user).await.unwrap().is_empty());
        let update = Update::Used(login.now);
        assert!(node.update(login.digest, update).await.unwrap());
        for revocation in [
            Revocation::OthersOf(user, login.digest),
            Revocation::Id(user, login.id),
            Revocation::Session(login.digest),
            Revocation::AllOf(user),
        ] {
            node.revoke(revocation).await.unwrap();
        }
    }
    for user in 0..ANALYZED {
        node.log_in(login(user, 10)).await.unwrap();
    }
}

async fn first_column(link: &Link, sql: String) -> Vec<String> {
    let found = link.read_once(String::leak(sql), &[]).await.unwrap();
    let texts = found.iter().map(|row| rows::value::<String>(row, 0));
    texts.collect::<Result<_, _>>().unwrap()
}

/// Explains the plans for any parameters of what this connection has prepared. Returns their number.
async fn check_plans(link: &Link) -> usize {
    let force = "SET plan_cache_mode = force_generic_plan".to_owned();
    first_column(link, force).await;
    let prepared = "SELECT format('EXPLAIN (COSTS OFF) EXECUTE %I', name) || CASE cardinality(parameter_types) WHEN 0 THEN ''
                        ELSE '(' || array_to_string(array_fill('NULL'::text, ARRAY[cardinality(parameter_types)]), ', ') || ')' END
                    FROM pg_prepared_statements WHERE statement ~ '(account|session)\\M'";
    let explain = first_column(link, prepared.to_owned()).await;
    for sql in &explain {
        let plan = first_column(link, sql.clone()).await.join("\n");
        let count = |text| plan.matches(text).count();
        assert_eq!(count("Seq Scan"), 0, "{plan}");
        assert_eq!(count("Index Scan"), count("Index Cond"), "{plan}");
        // In these the key comes second, or not at all.
        for index in ["_by_creation", "_by_block", "_by_end"] {
            assert_eq!(count(index), 0, "{plan}");
        }
    }
    explain.len()
}

#[actix_rt::test]
async fn no_plan_of_a_small_table_reads_the_whole_table() {
    for records_events in [false, true] {
        let Some(schema) = Schema::create().await else {
            return;
        };
        let node = schema.backend_with(records_events).await;
        run_statements(&node).await;
        for analyze in ["", "VACUUM ANALYZE account", "VACUUM ANALYZE session"] {
            schema.run(analyze).await;
            let [first, second] = &node.node.writes;
            for (link, at_least) in [(&node.node.reads, 3), (first, 6), (second, 6)] {
                let checked = check_plans(link).await;
                assert!(checked >= at_least, "{checked} statements");
            }
        }
    }
}
