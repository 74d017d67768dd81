//! Downloads of whole values, on one server and on a Cluster.

use std::pin::pin;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, KeyName, Options, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::inspect_key::InspectKeyRequest;
use edge_cache_testing::{Cluster, RedisServer, client};
use futures_util::StreamExt;
use redis::Commands;
use serde_json::json;

type Client = RedisClient<TokioTransport>;

/// The longest piece: a chunk.
const MAX_PIECE_BYTES: usize = 8 << 20;

/// Bytes that do not compress, as many of them not UTF-8 as by chance.
fn random_bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn random_text(length: usize) -> String {
    let character = |byte: u8| char::from(b'#' + byte % 50);
    random_bytes(length).into_iter().map(character).collect()
}

async fn store(redis: Client, key: &str, value: &str) {
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        tags: &["a"],
        ..Options::default()
    };
    let load = async || Ok::<_, String>(value.to_owned());
    let stored = Cache::new(redis).get_or_set(key, &options, load).await;
    assert_eq!(stored.unwrap().store_error, None, "{key}");
}

/// Downloads a value: its announced length, and its pieces put together or why there are not all.
async fn download(
    redis: Client,
    key: &str,
    form: &str,
) -> Result<(u64, Result<Vec<u8>, String>), Error> {
    let request = InspectKeyRequest::parse(KeyName::new(key), &format!("download={form}")).unwrap();
    let (length, pieces) = request.download(redis).await?.unwrap();

    let mut pieces = pin!(pieces.into_stream());
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => {
                assert!(piece.len() <= MAX_PIECE_BYTES);
                all.extend(piece);
            }
            Err(problem) => return Ok((length, Err(problem))),
        }
    }
    Ok((length, Ok(all)))
}

async fn assert_downloaded(redis: Client, key: &str, form: &str, expected: &[u8]) {
    let (length, value) = download(redis, key, form).await.unwrap();
    let value = value.unwrap();
    assert_eq!(length, expected.len() as u64, "{key} {form}");
    assert!(value == expected, "{key} {form}: other bytes");
}

async fn check_large_values(connect: impl Fn() -> Client) {
    let bytes = random_bytes(50_000_000);
    let set = edge_cache::Command::new("SET")
        .arg("foreign")
        .arg(bytes.clone());
    edge_cache::Redis::execute(&connect(), set).await.unwrap();
    for form in ["decoded", "stored"] {
        assert_downloaded(connect(), "foreign", form, &bytes).await;
    }
    drop(bytes);

    // In chunks as it is, in chunks and compressed, and compressed in a string.
    let noise = random_text(12_000_000);
    for (key, value) in [
        ("noise", random_text(50_000_000)),
        ("mixed", noise + &"7".repeat(38_000_000)),
        ("sevens", "7".repeat(50_000_000)),
    ] {
        store(connect(), key, &value).await;
        let text = json!(value).to_string();
        assert_downloaded(connect(), key, "decoded", text.as_bytes()).await;

        let (length, stored) = download(connect(), key, "stored").await.unwrap();
        let stored = stored.unwrap();
        assert_eq!(length, stored.len() as u64);
        let is_compressed = stored.starts_with(b"\x04\x22\x4d\x18");
        assert_eq!(is_compressed, key != "noise", "{key}");
    }
}

#[tokio::test]
async fn values_of_50_mb_are_downloaded_from_one_server() {
    let server = RedisServer::start();
    check_large_values(|| client(&server.url(0))).await;
}

#[tokio::test]
async fn values_of_50_mb_are_downloaded_from_a_cluster() {
    let cluster = Cluster::start();
    check_large_values(|| client(&cluster.url())).await;
}

#[tokio::test]
async fn small_values_are_downloaded_with_and_without_their_trailer() {
    let server = RedisServer::start();
    let redis = || client(&server.url(0));
    let mut other = server.connection();
    let mib: usize = 1 << 20;
    for length in [0, 1, mib - 1, mib, mib + 1, 2 * mib] {
        let bytes = random_bytes(length);
        let () = other.set("k", &bytes).unwrap();
        assert_eq!(other.strlen::<_, usize>("k").unwrap(), length);
        assert_downloaded(redis(), "k", "decoded", &bytes).await;
        assert_downloaded(redis(), "k", "stored", &bytes).await;
    }

    store(redis(), "entry", "x").await;
    let stored: Vec<u8> = other.get("entry").unwrap();
    assert!(stored.starts_with(b"\"x\"   \t"), "{stored:?}");
    assert_downloaded(redis(), "entry", "decoded", b"\"x\"").await;
    assert_downloaded(redis(), "entry", "stored", &stored).await;
}

#[tokio::test]
async fn a_value_that_is_replaced_meanwhile_is_never_handed_out_as_a_whole() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let first = vec![b'a'; 3_000_000];
    for second in [vec![b'b'; 3_000_000], vec![b'a'; 2_000_000]] {
        let () = other.set("k", &first).unwrap();
        let request = InspectKeyRequest::parse(KeyName::new("k"), "download=stored").unwrap();
        let opened = request.download(client(&server.url(0))).await.unwrap();
        let mut pieces = pin!(opened.unwrap().1.into_stream());
        pieces.next().await.unwrap().unwrap();

        let () = other.set("k", &second).unwrap();

        let rest: Vec<Result<Vec<u8>, String>> = pieces.collect().await;
        let problem = rest.last().unwrap().as_ref().unwrap_err();
        assert!(
            problem.contains("was replaced while it was read"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_is_not_one_value_is_refused() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let () = other.hset("hash", "f", "v").unwrap();
    let () = other.rpush("list", "a").unwrap();
    let () = other.set("broken", b"\x04\x22\x4d\x18garbage").unwrap();
    let refuse = async |key: &str, form: &str| {
        download(client(&server.url(0)), key, form)
            .await
            .unwrap_err()
    };

    for key in ["hash", "list"] {
        let Error::NotDownloadable(problem) = refuse(key, "stored").await else {
            panic!("{key} must not be downloadable");
        };
        assert!(problem.contains("page through them"), "{problem}");
    }
    assert!(matches!(
        refuse("none", "decoded").await,
        Error::NotFound(_)
    ));

    let Error::NotDownloadable(problem) = refuse("broken", "decoded").await else {
        panic!("it cannot be decompressed");
    };
    assert!(problem.contains("cannot be decompressed"), "{problem}");
    let stored = b"\x04\x22\x4d\x18garbage";
    assert_downloaded(client(&server.url(0)), "broken", "stored", stored).await;
}
