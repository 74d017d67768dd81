//! The audit trail on a real server.

mod bounds;
mod changes;
mod denied;
mod operations;
mod pages;
mod place;
mod quotas;

use edge_cache::Redis;
use edge_cache_admin::admin::audit::{AuditEntry, AuditPage, AuditPageRequest, AuditRecord};
use edge_cache_testing::RedisServer;

async fn page(redis: &impl Redis, query: &str) -> AuditPage {
    AuditPageRequest::parse(query)
        .unwrap()
        .run(redis)
        .await
        .unwrap()
}

async fn recorded(redis: &impl Redis) -> u64 {
    page(redis, "limit=1").await.pagination.total
}

async fn all(redis: &impl Redis) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = page(redis, &format!("limit=7{cursor}")).await;
        entries.extend(page.entries);
        match page.pagination.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}

fn change(who: &str, id: &str) -> AuditRecord {
    AuditRecord {
        who: who.into(),
        role: "operator".into(),
        request_id: id.into(),
        ..AuditRecord::new("invalidate")
    }
}

fn length(redis: &mut redis::Connection, stream: &str) -> u64 {
    redis::cmd("XLEN").arg(stream).query(redis).unwrap()
}

fn trail_connection(server: &RedisServer) -> redis::Connection {
    let mut other = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut other).unwrap();
    other
}

/// Reads the fields of a stream's first entry, each followed by its value.
fn first_entry(redis: &mut redis::Connection, stream: &str) -> Vec<String> {
    let entries: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg(&[stream, "-", "+", "COUNT", "1"])
        .query(redis)
        .unwrap();
    entries.into_iter().next().unwrap().1
}
