//! The Sentinels of the tests behave as those in production do.

use edge_cache_testing::{SentinelOptions, Sentinels, ServerKind, wait_for_replicas};
use redis::Value;

#[test]
fn sentinels_promote_a_replica_after_the_primary_was_killed() {
    let mut sentinels = Sentinels::start();
    assert_eq!(sentinels.addresses().len(), 3);
    assert_eq!(sentinels.primary_port(), sentinels.node(0).port());
    sentinels.node(0).command(&["SET", "a", "1"]);
    wait_for_replicas(&mut sentinels.node(0).connection(), 2);

    assert_eq!(sentinels.kill_primary(), 0);
    sentinels.kill_sentinel(0);
    sentinels.wait_for_failover();

    let primary = sentinels.primary();
    assert_ne!(primary, 0);
    let value = sentinels.node(primary).command(&["GET", "a"]);
    assert_eq!(value, Value::BulkString(b"1".to_vec()));
    sentinels.node(primary).command(&["SET", "a", "2"]);
}

#[test]
fn sentinels_have_a_password_of_their_own() {
    let options = SentinelOptions::new()
        .kind(ServerKind::Redis62)
        .password("servers")
        .sentinel_password("sentinels");
    let mut sentinels = Sentinels::with(options);
    let address = &sentinels.addresses()[0];

    let refused = redis::Client::open(format!("redis://{address}"))
        .unwrap()
        .get_connection()
        .and_then(|mut connection| redis::cmd("SENTINEL").arg("MASTERS").exec(&mut connection));
    assert!(refused.is_err());
    let found = sentinels.sentinel_command(
        1,
        &[
            "SENTINEL",
            "GET-MASTER-ADDR-BY-NAME",
            sentinels.master_name(),
        ],
    );
    assert!(matches!(found, Value::Array(address) if address.len() == 2));

    sentinels.kill_primary();
    sentinels.wait_for_failover();
    assert_ne!(sentinels.primary(), 0);
}

#[test]
fn sentinels_of_valkey_find_their_primary() {
    let sentinels = Sentinels::with(SentinelOptions::new().kind(ServerKind::Valkey9));

    assert_eq!(sentinels.primary(), 0);
    sentinels.node(0).command(&["SET", "a", "1"]);
}
