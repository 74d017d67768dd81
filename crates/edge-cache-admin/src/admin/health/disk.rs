//! The disk of a server: whether it holds the data that a restart would load.

use edge_cache::redis::info::Info;

/// Why a restart would lose data. `INFO` does not show if snapshots are scheduled. An append-only
/// file makes them unnecessary; if their failure stops writes, the probe finds that.
pub(super) fn disk_problem(info: &Info) -> Option<&'static str> {
    let is = |field: &str, value: &str| info.text(field) == Some(value);
    if is("aof_last_write_status", "err") {
        return Some(
            "the last save to disk failed: a restart would lose data, and Redis may soon refuse writes; check its disk",
        );
    }

    if is("rdb_last_bgsave_status", "err") && !is("aof_enabled", "1") {
        return Some(
            "the last save to disk failed (BGSAVE): check the disk of Redis. If it saves on a schedule, a restart would lose \
             data, and it may soon refuse writes. If it does not, nothing is lost, and a BGSAVE that succeeds ends this state",
        );
    }

    None
}
