//! Overrides of the rules for domain events on a real server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use edge_cache_admin::Error;
use edge_cache_admin::admin::events::EventRules;
use edge_cache_admin::admin::rule_table::{self, ChangeRuleRequest, RuleRow, RuleSource};
use edge_cache_admin::configuration::Configuration;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

fn configured() -> EventRules {
    let text = r#"rule = [
      { event = "stock.*", patterns = ["stock:*"] },
      { event = "product.*", keys = ["products:{id}"] },
    ]"#;
    let file = Configuration::parse("edge-cache.toml", text).unwrap();
    file.rules().unwrap()
}

fn put(body: &str) -> ChangeRuleRequest {
    ChangeRuleRequest::parse_put(body.as_bytes()).unwrap()
}

/// Types and origins of rules.
fn outline(rules: &[RuleRow]) -> Vec<(&str, RuleSource)> {
    let rows = rules.iter();
    rows.map(|row| (row.rule.event.as_str(), row.source))
        .collect()
}

#[tokio::test]
async fn without_overrides_the_rules_are_those_of_the_file_in_its_order() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let table = rule_table::read(&redis, &configured()).await.unwrap();

    let expected = [
        ("stock.*", RuleSource::Builtin),
        ("product.*", RuleSource::Builtin),
    ];
    assert_eq!(outline(&table.rules), expected);
}

#[tokio::test]
async fn an_override_replaces_the_rule_of_its_type_and_can_be_removed_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let set = put(r#"{"event":"product.*","tags":["product-{id}"]}"#);
    let remove = ChangeRuleRequest::parse_delete(b"", "event=product.*").unwrap();

    let table = set.run(&redis, &configured()).await.unwrap();
    let expected = [
        ("product.*", RuleSource::Override),
        ("stock.*", RuleSource::Builtin),
    ];
    assert_eq!(outline(&table.rules), expected);
    assert_eq!(table.rules[0].rule.tags, ["product-{id}"]);

    let table = remove.run(&redis, &configured()).await.unwrap();
    assert_eq!(table.rules.len(), 2);
    assert_eq!(table.rules[1].rule.keys, ["products:{id}"]);
    let again = remove.run(&redis, &configured()).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
}

#[tokio::test]
async fn an_override_that_another_client_broke_is_left_out() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let names = |key: &str| format!(r#"{{"keys":["{key}"],"patterns":[],"tags":[]}}"#);
    let () = other.hset("cache:rules", "stock.*", "{").unwrap();
    let () = other.hset("cache:rules", "a b", names("a")).unwrap();
    let protected = names("cache:ttl");
    let () = other.hset("cache:rules", "product.*", protected).unwrap();
    let () = other
        .hset("cache:rules", "order.*", names("orders"))
        .unwrap();

    let overrides = rule_table::read_overrides(&redis).await.unwrap();

    let types: Vec<&str> = overrides.iter().map(|rule| rule.event.as_str()).collect();
    assert_eq!(types, ["order.*"]);
}
