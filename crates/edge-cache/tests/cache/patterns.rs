//! Glob patterns, as the server matches them.

use edge_cache::Pattern;
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::random;

/// True for a pattern and a name on which server and library differ: the server matches the empty
/// name by `*` alone, the library also by `**`.
fn is_known_difference(pattern: &[u8], name: &[u8]) -> bool {
    name.is_empty() && pattern.iter().all(|byte| *byte == b'*')
}

#[tokio::test]
async fn patterns_match_the_names_that_the_server_matches() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let mut random = random(7);
    let mut pick = |from: &[u8]| from[random() as usize % from.len()];
    let names: Vec<Vec<u8>> = (0..300)
        .map(|n| (0..n % 6).map(|_| pick(b"ab*?[]\\-^:")).collect())
        .collect();
    for name in &names {
        let () = other.set(name, 1).unwrap();
    }

    for n in 0..3000 {
        let text: Vec<u8> = (0..1 + n % 8).map(|_| pick(b"aab*?[]\\-^:")).collect();
        let Ok(pattern) = Pattern::parse("pattern", text.clone()) else {
            continue;
        };
        let matched: Vec<Vec<u8>> = redis::cmd("KEYS").arg(&text).query(&mut other).unwrap();

        for name in &names {
            let expected = matched.contains(name) || is_known_difference(&text, name);
            assert_eq!(
                pattern.matches(name),
                expected,
                "pattern {:?}, name {:?}",
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(name)
            );
        }
    }
}
