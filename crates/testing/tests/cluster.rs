//! The cluster of the tests behaves as a cluster in production does.

use std::time::{Duration, Instant};

use edge_cache_testing::{Cluster, ClusterOptions, ServerKind, slot_of_key};
use redis::{ErrorKind, Value};

/// Two keys of one slot.
const KEYS: [&str; 2] = ["{half}:1", "{half}:2"];

#[test]
fn a_node_answers_moved_for_a_foreign_slot() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let owner = cluster.owner_of_key("a");
    let other = (owner + 1) % 3;

    assert_eq!(cluster.node(owner).command(&["SET", "a", "1"]), Value::Okay);
    let refused = cluster.node(other).try_command(&["GET", "a"]).unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Moved);
    let (address, slot) = refused.redirect_node().unwrap();
    assert_eq!(slot, slot_of_key(b"a"));
    assert_eq!(address, format!("127.0.0.1:{}", cluster.node(owner).port()));
    let slot = cluster.node(0).command(&["CLUSTER", "KEYSLOT", "x{a b}y"]);
    assert_eq!(slot, Value::Int(slot_of_key(b"x{a b}y").into()));
}

#[test]
fn a_replica_is_promoted_after_its_primary_was_killed() {
    let mut cluster = Cluster::with(ClusterOptions::new().node_timeout(Duration::from_secs(1)));
    assert_eq!(cluster.primaries(), [0, 1, 2]);
    assert_eq!(cluster.replicas_of(0), [3]);

    cluster.kill(0);
    cluster.wait_until_ok();
    assert_eq!(cluster.primaries(), [3, 1, 2]);
    assert_eq!(cluster.primary_ports()[0], cluster.node(3).port());

    cluster.restart(0);
    cluster.wait_until_ok();
    assert_eq!(cluster.replicas_of(3), [0]);
}

#[test]
fn a_replica_is_promoted_while_its_primary_is_frozen() {
    let options = ClusterOptions::new()
        .kind(ServerKind::Valkey8)
        .node_timeout(Duration::from_secs(1));
    let cluster = Cluster::with(options);

    cluster.freeze(1);
    cluster.wait_until_ok();
    assert_eq!(cluster.primaries(), [0, 4, 2]);

    cluster.thaw(1);
    cluster.wait_until_ok();
    assert_eq!(cluster.replicas_of(4), [1]);
}

#[test]
fn a_half_moved_slot_answers_ask_and_tryagain() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas().password("secret"));
    let slot = slot_of_key(KEYS[0].as_bytes());
    let from = cluster.owner_of_slot(slot);
    let to = (from + 1) % 3;
    for key in KEYS {
        cluster.node(from).command(&["SET", key, "1"]);
    }

    cluster.begin_moving_slot(slot, from, to);
    cluster.move_keys(&KEYS[..1], from, to);
    let refused = |words: &[&str]| cluster.node(from).try_command(words).unwrap_err().kind();
    assert_eq!(refused(&["GET", KEYS[0]]), ErrorKind::Ask);
    assert_eq!(refused(&["MGET", KEYS[0], KEYS[1]]), ErrorKind::TryAgain);
    cluster.node(from).command(&["GET", KEYS[1]]);

    cluster.finish_moving_slot(slot, from, to);
    assert_eq!(cluster.owner_of_slot(slot), to);
    cluster.node(to).command(&["MGET", KEYS[0], KEYS[1]]);
}

#[test]
fn slots_move_with_their_keys_on_every_kind_of_server() {
    for kind in [ServerKind::Redis62, ServerKind::Valkey9] {
        let started = Instant::now();
        let options = ClusterOptions::new().kind(kind).without_replicas();
        let cluster = Cluster::with(options);
        println!("{kind:?} started in {:?}", started.elapsed());
        let slot = slot_of_key(b"a");
        let from = cluster.owner_of_slot(slot);
        let to = (from + 1) % 3;
        cluster.node(from).command(&["SET", "a", "1"]);

        cluster.move_slots(slot..slot + 20, from, to);

        assert_eq!(cluster.owner_of_slot(slot + 19), to, "{kind:?}");
        let value = cluster.node(to).command(&["GET", "a"]);
        assert_eq!(value, Value::BulkString(b"1".to_vec()), "{kind:?}");
    }
}
