//! The users of Redis and of Sentinels that the documentation gives, as which applications under test log in.

use std::fs;

use edge_cache_testing::RedisServer;

use crate::contract::repository;

/// The login of the user.
pub(crate) const USER: &str = "edge-cache";
pub(crate) const PASSWORD: &str = "the-password-of-the-tests";

/// Returns the words of `ACL SETUSER` that a document gives for a user, with this password.
///
/// # Panics
/// Panics when the document has no such user.
pub fn documented_user(document: &str, name: &str, password: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(document)).expect("the document");
    let rule = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ACL SETUSER "))
        .find(|rule| rule.split(' ').next() == Some(name));
    let mut rule = rule
        .expect("the rights of the user")
        .replace("PASSWORD", password);

    if RedisServer::is_6() {
        rule = rule.replace("-function -script|flush -script|kill", "-script");
    }
    rule.split(' ').map(str::to_owned).collect()
}

/// Returns the options of `redis-server` that create this user.
pub(crate) fn options() -> Vec<String> {
    let mut options = vec!["--user".to_owned()];
    options.extend(documented_user("SECURITY.md", USER, PASSWORD));
    options
}

/// Returns the options of a Cluster's node that create this user, with the rights that SECURITY.md
/// adds for a Cluster.
pub(crate) fn options_on_cluster() -> Vec<String> {
    let security = fs::read_to_string(repository().join("SECURITY.md")).expect("SECURITY.md");
    let (_, rest) = security
        .split_once("create the user on every node and add `")
        .expect("the rights on a Cluster");
    let (rights, _) = rest.split_once('`').expect("an end of the rights");

    let mut options = options();
    options.extend(rights.split_whitespace().map(str::to_owned));
    // Not used on a Cluster, as docs/redis.md says.
    options.extend(["-flushdb", "-restore"].map(str::to_owned));
    options
}

/// Starts another server with this user, which can replace an application's own.
pub fn start_server_with_user() -> RedisServer {
    let options = options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    RedisServer::with(&options)
}
