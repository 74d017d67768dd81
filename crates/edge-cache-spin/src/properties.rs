//! Properties over random input: no input from outside makes the code panic.

use proptest::collection::hash_set;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::auth::{Tokens, TrustedProxies};
use edge_cache_host_errors::redis_error;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_of_tokens(setting in "[a-z:,;0-9 ]{0,120}", any in ".{0,120}") {
        let _ = (Tokens::parse(&setting), Tokens::parse(&any));
    }

    /// Each token is recognised as its owner's, and no similar text is recognised.
    #[test]
    fn tokens(secrets in hash_set("[!-~]{8,40}", 1..5), other in "[!-~]{0,40}") {
        let hex = |secret: &str| format!("{:x}", Sha256::digest(secret));
        let entries = secrets.iter().enumerate().map(|(n, secret)| format!("user{n}:viewer:{}", hex(secret)));
        let tokens = Tokens::parse(&entries.collect::<Vec<_>>().join(",")).unwrap();
        for (n, secret) in secrets.iter().enumerate() {
            prop_assert_eq!(&tokens.recognise(secret).unwrap().name, &format!("user{n}"));
            let near = [format!("{secret} "), secret[1..].to_owned(), hex(secret), other.clone()];
            for near in near.iter().filter(|near| !secrets.contains(*near)) {
                prop_assert!(tokens.recognise(near).is_none());
            }
        }
    }

    #[test]
    fn client_addresses(peer in ".{0,40}", hops in ".{0,80}", trusted in 0_usize..5) {
        let proxies = TrustedProxies::parse(trusted, "10.0.0.0/8").unwrap();
        let client = proxies.client_address(&peer, &hops);
        assert!(client.len() <= 45 && client.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:".contains(&byte)));
    }

    #[test]
    fn texts_of_the_host(text in ".{0,300}") {
        let _ = redis_error(&text);
    }
}
