//! Waiting until replicas have what their primary has.

use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Connection, InfoDict};

const LIMIT: Duration = Duration::from_secs(30);
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `count` replicas have received everything written so far, by whichever client.
///
/// `WAIT` waits only for the writes of its own connection.
///
/// # Panics
/// Panics after 30 s, and when the server does not answer INFO.
pub fn wait_for_replicas(primary: &mut Connection, count: usize) {
    let written = offset_of(&replication(primary), "master_repl_offset");

    let deadline = Instant::now() + LIMIT;
    loop {
        let info = replication(primary);
        let replicas = (0..).map_while(|number| info.get::<String>(&format!("slave{number}")));
        let up_to_date = replicas.filter(|replica| has_received(replica, written));
        if up_to_date.count() >= count {
            return;
        }

        assert!(
            Instant::now() < deadline,
            "{count} replicas do not follow: {info:?}"
        );
        sleep(CHECK_INTERVAL);
    }
}

fn replication(connection: &mut Connection) -> InfoDict {
    redis::cmd("INFO")
        .arg("replication")
        .query(connection)
        .expect("INFO replication")
}

fn offset_of(info: &InfoDict, field: &str) -> u64 {
    info.get(field).expect("a replication offset")
}

/// Reads a line such as `ip=127.0.0.1,port=7001,state=online,offset=560,lag=0`.
fn has_received(replica: &str, written: u64) -> bool {
    let fields = || replica.split(',').filter_map(|field| field.split_once('='));
    let field = |name| {
        fields()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let offset = field("offset").and_then(|offset| offset.parse::<u64>().ok());

    field("state") == Some("online") && offset.is_some_and(|offset| offset >= written)
}
