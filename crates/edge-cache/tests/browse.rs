//! The key browser's list against a real server: lossless under change, bounded, and cheap.

use std::cell::Cell;
use std::collections::HashSet;

use edge_cache::browse::Request;
use edge_cache_testing::{RedisServer, client};

/// Walks to the end; returns the names and checks that no page is larger than the limit.
async fn walk(server: &RedisServer, query: &str, limit: usize, mut between: impl FnMut(usize)) -> HashSet<String> {
    let redis = client(&server.url(0));
    let (mut seen, mut cursor, mut pages) = (HashSet::new(), None::<String>, 0);
    loop {
        let at = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = Request::parse(&format!("{query}&limit={limit}{at}")).unwrap().run(&redis).await.unwrap();
        assert!(page.keys.len() <= limit, "a page of {} keys", page.keys.len());
        let names: HashSet<&str> = page.keys.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(names.len(), page.keys.len(), "a key stands twice on a page");
        seen.extend(page.keys.into_iter().map(|row| row.key));
        between(pages);
        pages += 1;
        match page.pagination.next_cursor {
            Some(next) => cursor = Some(next),
            None => return seen,
        }
    }
}

fn fill(connection: &mut redis::Connection, prefix: &str, count: usize) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(5000) {
        let mut pipe = redis::pipe();
        for n in chunk {
            pipe.set(format!("{prefix}{n}"), n).ignore();
        }
        pipe.exec(connection).unwrap();
    }
}

fn remove(connection: &mut redis::Connection, prefix: &str, count: usize) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(5000) {
        let names: Vec<String> = chunk.iter().map(|n| format!("{prefix}{n}")).collect();
        redis::cmd("UNLINK").arg(names).exec(connection).unwrap();
    }
}

#[tokio::test]
async fn a_page_takes_a_few_steps_of_scan_wherever_it_starts() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 60_000);
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut other).unwrap();
    let pages = Cell::new(0);
    walk(&server, "pattern=%2A", 100, |page| pages.set(page + 1)).await;
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut other).unwrap();
    let steps =
        stats.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls=")?.split(',').next()?.parse().ok());
    let steps: usize = steps.unwrap();
    assert!(pages.get() >= 600 && steps <= 6 * pages.get(), "{steps} steps for {} pages", pages.get());
}

#[tokio::test]
async fn every_key_that_stays_is_listed_while_the_table_grows_and_shrinks() {
    for limit in [7, 100] {
        let server = RedisServer::start();
        let mut other = server.connection();
        fill(&mut other, "stay:", 20_000);
        let step = 14_000 / limit;
        let seen = walk(&server, "pattern=%2A", limit, |page| match page % step {
            n if n == step / 10 => fill(&mut other, "passing:", 100_000),
            n if n == step / 5 => remove(&mut other, "passing:", 100_000),
            _ => {}
        })
        .await;
        let missing = (0..20_000).filter(|n| !seen.contains(&format!("stay:{n}"))).count();
        assert_eq!(missing, 0, "limit {limit}");
    }
}

#[tokio::test]
async fn a_bucket_larger_than_the_page_is_handed_out_in_parts() {
    let server = RedisServer::start();
    let mut other = server.connection();
    // A small table next to a large one that is being moved into it: one step covers many buckets.
    fill(&mut other, "gone:", 60_000);
    fill(&mut other, "stay:", 300);
    remove(&mut other, "gone:", 60_000);
    let seen = walk(&server, "pattern=stay%3A%2A", 1, |_| {}).await;
    assert_eq!(seen.len(), 300);
}

#[tokio::test]
async fn patterns_and_types_narrow_the_list_and_totals_are_honest() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users:", 250);
    redis::pipe().lpush("users:list", 1).lpush("products:list", 1).exec(&mut other).unwrap();
    let redis = client(&server.url(0));
    let page = async |query: &str| Request::parse(query).unwrap().run(&redis).await.unwrap();

    let all = page("limit=10").await;
    assert_eq!((all.pagination.total, all.pagination.returned, all.pagination.has_more), (Some(252), 10, true));
    let lists = page("pattern=users%3A%2A&type=list&exact=true").await;
    assert_eq!((lists.keys.len(), lists.pagination.total), (1, Some(1)));
    assert_eq!(page("pattern=users%3A%2A").await.pagination.total, None);
    assert_eq!(page("pattern=users%3A%2A&exact=true").await.pagination.total, Some(251));
    assert_eq!(walk(&server, "pattern=users%3A%2A", 100, |_| {}).await.len(), 251);
}

#[tokio::test]
async fn a_page_is_one_command_of_bounded_work() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 50_000);
    let redis = client(&server.url(0));
    Request::parse("limit=1").unwrap().run(&redis).await.unwrap();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut other).unwrap();
    let page = Request::parse("pattern=nothing%3A%2A").unwrap().run(&redis).await.unwrap();
    assert!(page.keys.is_empty() && page.pagination.has_more, "a search without matches stops after its budget");
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut other).unwrap();
    assert!(stats.contains("cmdstat_evalsha:calls=1,") && !stats.contains("cmdstat_eval:"), "{stats}");
}

#[tokio::test]
async fn a_type_that_there_is_not_finds_nothing_or_is_refused_by_name() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "k:", 10);
    match Request::parse("type=ring").unwrap().run(&client(&server.url(0))).await {
        Ok(page) => assert!(page.keys.is_empty()),
        Err(error) => assert!(error.to_string().starts_with("`type` must be a type that this Redis has"), "{error}"),
    }
}

#[tokio::test]
async fn names_of_any_length_and_lives_of_any_length_are_shown() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let lengths = [1, 31, 32, 255, 256, 65_535, 65_536];
    let lives = [1, 127, 128, 255, 65_536, 4_294_968, 3_000_000_000];
    for (length, life) in lengths.into_iter().zip(lives) {
        redis::cmd("SET").arg("n".repeat(length)).arg("v".repeat(length)).arg("EX").arg(life).exec(&mut other).unwrap();
    }
    let page = Request::parse("").unwrap().run(&client(&server.url(0))).await.unwrap();
    let mut seen: Vec<(usize, i64)> = page.keys.iter().map(|row| (row.key.len(), row.ttl)).collect();
    seen.sort_unstable();
    assert_eq!(seen, lengths.into_iter().zip(lives).collect::<Vec<_>>());
    assert!(page.keys.iter().all(|row| row.size_bytes.unwrap() > row.key.len() as u64));
}

#[tokio::test]
async fn names_of_any_bytes_are_shown_and_addressable() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let long = "x".repeat(10_000);
    let names: [&[u8]; 7] = [b"a b", b"q\"uote", b"new\nline", b"[glob]*?", b"\xff\xfe", b"", long.as_bytes()];
    for name in names {
        redis::cmd("SET").arg(name).arg(1).exec(&mut other).unwrap();
    }
    let redis = client(&server.url(0));
    let page = Request::parse("").unwrap().run(&redis).await.unwrap();
    assert_eq!(page.keys.len(), names.len());
    let binary = page.keys.iter().find(|row| row.key_base64.is_some()).unwrap();
    assert_eq!((binary.key.as_str(), binary.path.as_str()), ("\\xff\\xfe", "%FF%FE"));
}
