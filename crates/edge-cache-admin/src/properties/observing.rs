//! Hot keys, alerts and edits on a server with arbitrary replies.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::replies::{arbitrary_server, fails_as_documented, run};
use crate::admin::alerts::{self, AlertSettings, PostRequest, Poster, SecretText, Webhook};
use crate::admin::edit_key::{EditKeyRequest, UndoRequest};
use crate::admin::hot_keys::{self, HotKeysRequest};
use crate::admin::stats::Thresholds;
use edge_cache::KeyName;

const HASH_OF_ONE: &str = "356a192b7913b04c54574d18c28d46e6395428ab";

/// A webhook that refuses.
struct Refusing;

impl Poster for Refusing {
    async fn post(&self, _: PostRequest<'_>) -> Result<u16, String> {
        Err("refused".to_owned())
    }
}

fn settings() -> AlertSettings {
    AlertSettings {
        webhooks: Webhook::parse_list("json=https://a.example/").unwrap(),
        key: SecretText::new("key"),
        source: "edge-cache".to_owned(),
        remind_after: Duration::from_secs(3600),
        clear_after: Duration::from_secs(60),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hot_keys_and_alerts_are_read(redis in arbitrary_server()) {
        let hot = HotKeysRequest::parse("limit=3").unwrap();
        fails_as_documented(run(hot.run(redis.restart(), &redis, SystemTime::now())));
        fails_as_documented(run(hot_keys::record_rows(redis.restart(), &redis, SystemTime::now())));
        let (settings, thresholds) = (settings(), Thresholds::default());
        fails_as_documented(run(alerts::read_alerts(redis.restart(), &thresholds, &settings.webhooks)));
        fails_as_documented(run(alerts::notify(redis.restart(), &redis, &Refusing, &settings, &thresholds)));
    }

    #[test]
    fn values_are_edited(redis in arbitrary_server()) {
        let body = format!(r#"{{"value":"[1]","if":"{HASH_OF_ONE}"}}"#);
        let edit = EditKeyRequest::parse(KeyName::new("users:1"), body.as_bytes()).unwrap();
        fails_as_documented(run(edit.run(redis.restart(), Some("1-0-1-0123456789abcdef"))));
        let undo = UndoRequest::parse("1700000000000-0-1-0123456789abcdef").unwrap();
        fails_as_documented(run(undo.find(redis.restart(), &redis)));
    }
}
