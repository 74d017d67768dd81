//! The key browser's list against a real server: lossless under change, bounded, and cheap.

mod rows;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_testing::{RedisServer, client};

/// Walks to the end; returns the names and checks that no page is larger than the limit.
async fn walk(
    server: &RedisServer,
    query: &str,
    limit: usize,
    mut between: impl FnMut(usize),
) -> HashSet<String> {
    let redis = client(&server.url(0));
    let (mut seen, mut cursor, mut pages) = (HashSet::new(), None::<String>, 0);

    loop {
        let at = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page = ListKeysRequest::parse(&format!("{query}&limit={limit}{at}"))
            .unwrap()
            .run(&redis)
            .await
            .unwrap();
        assert!(
            page.keys.len() <= limit,
            "a page of {} keys",
            page.keys.len()
        );
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
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();
    let pages = Cell::new(0);
    walk(&server, "pattern=%2A", 100, |page| pages.set(page + 1)).await;
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();
    let steps = stats.lines().find_map(|line| {
        line.strip_prefix("cmdstat_scan:calls=")?
            .split(',')
            .next()?
            .parse()
            .ok()
    });
    let steps: usize = steps.unwrap();

    assert!(
        pages.get() >= 600 && steps <= 6 * pages.get(),
        "{steps} steps for {} pages",
        pages.get()
    );
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
        let missing = (0..20_000)
            .filter(|n| !seen.contains(&format!("stay:{n}")))
            .count();
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
    redis::pipe()
        .lpush("users:list", 1)
        .lpush("products:list", 1)
        .exec(&mut other)
        .unwrap();
    let redis = client(&server.url(0));
    let page = async |query: &str| {
        ListKeysRequest::parse(query)
            .unwrap()
            .run(&redis)
            .await
            .unwrap()
    };

    let all = page("limit=10").await;
    assert_eq!(
        (
            all.pagination.total,
            all.pagination.returned,
            all.pagination.has_more
        ),
        (Some(252), 10, true)
    );
    let lists = page("pattern=users%3A%2A&type=list&exact=true").await;
    assert_eq!((lists.keys.len(), lists.pagination.total), (1, Some(1)));
    assert_eq!(page("pattern=users%3A%2A").await.pagination.total, None);
    assert_eq!(
        page("pattern=users%3A%2A&exact=true")
            .await
            .pagination
            .total,
        Some(251)
    );
    assert_eq!(
        walk(&server, "pattern=users%3A%2A", 100, |_| {})
            .await
            .len(),
        251
    );
}

#[tokio::test]
async fn a_page_is_one_command_of_bounded_work() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 50_000);
    let redis = client(&server.url(0));
    ListKeysRequest::parse("limit=1")
        .unwrap()
        .run(&redis)
        .await
        .unwrap();
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();
    let page = ListKeysRequest::parse("pattern=nothing%3A%2A")
        .unwrap()
        .run(&redis)
        .await
        .unwrap();

    assert!(
        page.keys.is_empty() && page.pagination.has_more,
        "a search without matches stops after its budget"
    );

    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();

    assert!(
        stats.contains("cmdstat_evalsha:calls=1,") && !stats.contains("cmdstat_eval:"),
        "{stats}"
    );
}

#[tokio::test]
async fn a_type_that_there_is_not_finds_nothing_or_is_refused_by_name() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "k:", 10);
    match ListKeysRequest::parse("type=ring")
        .unwrap()
        .run(&client(&server.url(0)))
        .await
    {
        Ok(page) => assert!(page.keys.is_empty()),
        Err(error) => assert!(
            error
                .to_string()
                .starts_with("`type` must be a type that this Redis has"),
            "{error}"
        ),
    }
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_of_names_and_nothing_is_lost() {
    let server = RedisServer::start();
    let mut other = server.connection();

    for n in 0..50 {
        redis::cmd("SET")
            .arg(format!("{n}{}", "n".repeat(100_000)))
            .arg(1)
            .exec(&mut other)
            .unwrap();
    }

    // One that is longer than a page has a page of its own.
    redis::cmd("SET")
        .arg("long".repeat(100_000))
        .arg(1)
        .exec(&mut other)
        .unwrap();
    fill(&mut other, "short:", 200);
    let redis = client(&server.url(0));
    let (mut seen, mut cursor) = (HashSet::new(), "0".to_owned());

    loop {
        let page = ListKeysRequest::parse(&format!("cursor={cursor}"))
            .unwrap()
            .run(&redis)
            .await
            .unwrap();
        let bytes: usize = page.keys.iter().map(|row| row.key.len()).sum();
        assert!(
            bytes <= 160 << 10 || page.keys.len() == 1,
            "{} keys of {bytes} bytes",
            page.keys.len()
        );
        seen.extend(page.keys.into_iter().map(|row| row.key));
        match page.pagination.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }

    assert_eq!(seen.len(), 251);
}

#[tokio::test]
async fn a_refused_memory_usage_is_asked_once_a_page() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 100);
    redis::cmd("ACL")
        .arg(&["SETUSER", "default", "-memory"])
        .exec(&mut other)
        .unwrap();
    let page = ListKeysRequest::parse("")
        .unwrap()
        .run(&client(&server.url(0)))
        .await
        .unwrap();

    assert!(page.keys.len() >= 100 && page.keys.iter().all(|row| row.size_bytes.is_none()));

    let refused: Vec<HashMap<String, redis::Value>> =
        redis::cmd("ACL").arg("LOG").query(&mut other).unwrap();
    // The server sums up equal refusals.
    let counts: Vec<u64> = refused
        .iter()
        .map(|entry| redis::from_redis_value(&entry["count"]).unwrap())
        .collect();

    assert_eq!(counts, [1], "{refused:?}");
}

#[tokio::test]
async fn a_page_of_long_names_and_an_expensive_pattern_holds_nobody_up() {
    let server = RedisServer::start();
    let mut other = server.connection();

    for n in 0..300 {
        redis::cmd("SET")
            .arg(format!("{}{n}", "a".repeat(60_000)))
            .arg(1)
            .exec(&mut other)
            .unwrap();
    }

    // A page takes some milliseconds; matched by SCAN alone it took a second and more.
    redis::cmd("CONFIG")
        .arg(&["SET", "slowlog-log-slower-than", "100000"])
        .exec(&mut other)
        .unwrap();
    let redis = client(&server.url(0));
    let pattern = format!("*{}b*", "a".repeat(200));
    let (mut cursor, mut pages) = ("0".to_owned(), 0);

    loop {
        let page = ListKeysRequest::parse(&format!("pattern={pattern}&cursor={cursor}"))
            .unwrap()
            .run(&redis)
            .await
            .unwrap();
        assert!(page.keys.is_empty());
        pages += 1;
        match page.pagination.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }

    let slow: usize = redis::cmd("SLOWLOG").arg("LEN").query(&mut other).unwrap();

    // Beside other programs, a server is kept waiting for its processor now and then.
    assert!(slow * 10 < pages, "{slow} of {pages} pages");
}
