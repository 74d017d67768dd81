//! The Redis and cron triggers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Application, Host, RedisServer, guest, wait_for, wait_until};

/// The guest as a subscriber of the channel `news`. It appends each message to the list `taken`.
fn subscriber(redis: &RedisServer) -> Application {
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = 'a'\n\
         [application.trigger.redis]\naddress = '{{{{ redis }}}}'\n\
         [variables]\nredis = {{ required = true }}\nchannel = {{ default = 'news' }}\n\
         [[trigger.redis]]\nchannel = '{{{{ channel }}}}'\ncomponent = 'guest'\n\
         [component.guest]\nsource = '{}'\nvariables = {{ redis = '{{{{ redis }}}}' }}\n\
         allowed_outbound_hosts = ['{{{{ redis }}}}']\n",
        guest().display()
    );
    Application::from_manifest(&manifest).environment("SPIN_VARIABLE_REDIS", redis.url.clone())
}

/// Publishes a message and returns the number of its receivers.
fn publish(redis: &RedisServer, channel: &str, message: &str) -> i32 {
    redis::cmd("PUBLISH")
        .arg(channel)
        .arg(message)
        .query(&mut redis.client())
        .unwrap()
}

/// Publishes a message until the host has subscribed and receives it.
fn publish_until_received(redis: &RedisServer, message: &str) {
    wait_until(|| publish(redis, "news", message) == 1);
}

/// Waits until the host reports a second subscription to `news`.
///
/// The server cannot tell: it counts the trial subscription, which hands no message to the guest.
fn wait_until_subscribed_again(host: &Host) {
    wait_until(|| count_lines(host, "Subscribed to news on ") >= 2);
}

/// Returns the messages that the guest has handled.
fn handled(redis: &RedisServer) -> Vec<String> {
    redis::cmd("LRANGE")
        .arg("taken")
        .arg(0)
        .arg(-1)
        .query(&mut redis.client())
        .unwrap()
}

#[test]
fn messages_reach_the_component_in_order() {
    let redis = RedisServer::start();
    let host = subscriber(&redis).start();

    publish_until_received(&redis, "first");
    publish(&redis, "other", "for another channel");
    publish(&redis, "news", "trap");
    publish(&redis, "news", "second");

    wait_until(|| handled(&redis).len() == 2);
    assert_eq!(handled(&redis), ["first", "second"]);
    host.wait_for_log("failed on a message");
    let subscribed = "Subscribed to news on 127.0.0.1:";
    let stdout = host.stdout();
    let is_printed = stdout.iter().any(|line| line.starts_with(subscribed));
    assert!(is_printed, "{stdout:?}");
}

#[test]
fn the_host_subscribes_again_to_a_lost_server() {
    let mut redis = RedisServer::start();
    let host = subscriber(&redis).start();
    publish_until_received(&redis, "before");

    redis.restart();

    host.wait_for_log("subscribing again");
    wait_until_subscribed_again(&host);
    publish(&redis, "news", "after");
    wait_until(|| handled(&redis).contains(&"after".to_owned()));
}

#[test]
fn the_host_subscribes_again_when_a_server_stops_answering() {
    let mut redis = RedisServer::start();
    let host = subscriber(&redis).start();

    redis.freeze();

    host.wait_for_log("no longer answers; subscribing again");
    redis.restart();
    wait_until_subscribed_again(&host);
    publish(&redis, "news", "after");
    wait_until(|| handled(&redis).contains(&"after".to_owned()));
}

#[test]
fn the_host_finishes_the_current_message_when_it_is_stopped() {
    let redis = RedisServer::start();
    let mut host = subscriber(&redis).start();
    publish_until_received(&redis, "slow");
    publish(&redis, "news", "next");
    wait_until(|| handled(&redis) == ["slow"]);

    host.signal("TERM");

    assert_eq!(host.exit_code(), Some(0));
    assert_eq!(handled(&redis), ["slow", "slow"]);
}

#[test]
fn a_refused_channel_is_logged_until_it_is_permitted() {
    let redis = RedisServer::start();
    let set_rules = |rules: &str| {
        let rules: Vec<_> = rules.split(' ').collect();
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg("limited").arg(rules);
        command.exec(&mut redis.client()).unwrap();
    };
    set_rules("on >secret resetchannels +subscribe");
    let address = redis.url.replace("://", "://limited:secret@");

    let host = subscriber(&redis)
        .environment("SPIN_VARIABLE_REDIS", address)
        .start_without_waiting();

    let line = host.wait_for_log("cannot subscribe to news on 127.0.0.1:");
    assert!(line.contains("NOPERM"), "{line}");
    assert!(!line.contains("secret"), "{line}");
    assert!(host.stdout().is_empty(), "{:?}", host.stdout());

    set_rules("&news");
    let subscribed = "Subscribed to news on ";
    wait_until(|| {
        let stdout = host.stdout();
        stdout.iter().any(|line| line.starts_with(subscribed))
    });
}

#[test]
fn a_trigger_without_an_address_is_refused() {
    let redis = RedisServer::start();
    let error = subscriber(&redis).argument("--variable=redis=").refusal();
    assert!(error.contains("[[trigger.redis]]"), "{error}");
    assert!(error.contains("is not a Redis address"), "{error}");
}

/// The guest with a cron trigger. Each tick prints a line with the variable `redis`.
fn scheduled(expression: &str) -> Application {
    Application::from_manifest(&format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n[variables]\nredis = {{ default = 'somewhere' }}\n\
         [[trigger.cron]]\ncron_expression = '{expression}'\ncomponent = 'guest'\n\
         [component.guest]\nsource = '{}'\nvariables = {{ redis = '{{{{ redis }}}}' }}\n",
        guest().display()
    ))
}

/// Counts the printed lines that begin with `prefix`.
fn count_lines(host: &Host, prefix: &str) -> usize {
    let stdout = host.stdout();
    let lines = stdout.iter().filter(|line| line.starts_with(prefix));
    lines.count()
}

#[test]
fn a_tick_passes_the_time_to_its_component() {
    let host = scheduled("* * * * * *").start();

    let is_tick = |line: &String| line.starts_with("tick at ");
    let line = wait_for(|| host.stdout().into_iter().find(is_tick)).unwrap();

    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(words[3..], ["for", "somewhere"]);
    let time = Duration::from_secs(words[2].parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(now.abs_diff(time) < Duration::from_secs(30), "{line}");
}

#[test]
fn a_component_of_spin_2_learns_of_undefined_variables() {
    let host = scheduled("* * * * * *").start();
    wait_until(|| count_lines(&host, "undefined is Err(Error::Undefined(") > 0);
}

#[test]
fn the_host_finishes_the_current_tick_when_it_is_stopped() {
    let mut host = scheduled("* * * * * *")
        .argument("--variable=redis=slow")
        .start();
    let begun = |host: &Host| count_lines(host, "tick at ");
    let ended = |host: &Host| count_lines(host, "end of ");
    wait_until(|| begun(&host) > ended(&host));

    host.signal("TERM");

    assert_eq!(host.exit_code(), Some(0));
    wait_until(|| begun(&host) == ended(&host));
}

#[test]
fn the_host_does_not_listen_without_an_http_trigger() {
    let other = Application::with("").start();

    let mut host = scheduled("0 0 0 1 1 *")
        .argument(format!("--listen={}", other.address))
        .start();

    assert_eq!(host.stdout(), ["Scheduled 0 0 0 1 1 *: guest"]);
    host.signal("TERM");
    assert_eq!(host.exit_code(), Some(0));
}

#[test]
fn an_invalid_schedule_is_refused() {
    let error = scheduled("every day").refusal();
    let expected = "[[trigger.cron]] `every day` is not a schedule";
    assert!(error.contains(expected), "{error}");
}
