//! The Redis and cron triggers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Application, RedisServer, guest, wait_for};

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

fn publish(redis: &RedisServer, channel: &str, message: &str) -> i32 {
    redis::cmd("PUBLISH").arg(channel).arg(message).query(&mut redis.client()).unwrap()
}

fn taken(redis: &RedisServer) -> Vec<String> {
    redis::cmd("LRANGE").arg("taken").arg(0).arg(-1).query(&mut redis.client()).unwrap()
}

#[test]
fn messages_on_the_channel_reach_the_component_in_order() {
    let redis = RedisServer::start();
    let host = subscriber(&redis).start();
    wait_for(|| (publish(&redis, "news", "first") == 1).then_some(())).unwrap();
    publish(&redis, "other", "not for us");
    publish(&redis, "news", "trap");
    publish(&redis, "news", "second");
    wait_for(|| (taken(&redis).len() == 2).then_some(())).unwrap();
    assert_eq!(taken(&redis), ["first", "second"]);
    host.logs("failed on a message");
    assert!(host.stdout().iter().any(|line| line.starts_with("Subscribed to news on 127.0.0.1:")));
}

#[test]
fn a_lost_server_is_subscribed_to_again() {
    let mut redis = RedisServer::start();
    let host = subscriber(&redis).start();
    wait_for(|| (publish(&redis, "news", "before") == 1).then_some(())).unwrap();
    redis.restart();
    host.logs("subscribing again");
    wait_for(|| (publish(&redis, "news", "after") == 1).then_some(())).unwrap();
    wait_for(|| taken(&redis).contains(&"after".to_owned()).then_some(())).unwrap();
}

#[test]
fn a_server_that_falls_silent_is_told_and_subscribed_to_again() {
    let mut redis = RedisServer::start();
    let host = subscriber(&redis).start();
    redis.freeze();
    host.logs("no longer answers; subscribing again");
    redis.restart();
    wait_for(|| (publish(&redis, "news", "after") == 1).then_some(())).unwrap();
    wait_for(|| taken(&redis).contains(&"after".to_owned()).then_some(())).unwrap();
}

#[test]
fn a_message_being_handled_when_the_host_is_stopped_is_the_last() {
    let redis = RedisServer::start();
    let mut host = subscriber(&redis).start();
    wait_for(|| (publish(&redis, "news", "slow") == 1).then_some(())).unwrap();
    publish(&redis, "news", "next");
    wait_for(|| (taken(&redis) == ["slow"]).then_some(())).unwrap();
    host.signal("TERM");
    assert_eq!(host.exit_code(), Some(0));
    assert_eq!(taken(&redis), ["slow", "slow"]);
}

#[test]
fn a_channel_the_server_refuses_is_told_until_it_is_granted() {
    let redis = RedisServer::start();
    let acl = |rules: &str| {
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg("limited").arg(rules.split(' ').collect::<Vec<_>>());
        command.exec(&mut redis.client()).unwrap();
    };
    acl("on >secret resetchannels +subscribe");
    let address = redis.url.replace("://", "://limited:secret@");
    let application = subscriber(&redis).environment("SPIN_VARIABLE_REDIS", address);
    let host = application.start_unready();
    let told = host.logs("cannot subscribe to news on 127.0.0.1:");
    assert!(told.contains("NOPERM") && !told.contains("secret"), "{told}");
    assert!(host.stdout().is_empty(), "{:?}", host.stdout());
    acl("&news");
    wait_for(|| host.stdout().iter().any(|line| line.starts_with("Subscribed to news on ")).then_some(())).unwrap();
}

#[test]
fn a_trigger_without_an_address_is_refused() {
    let redis = RedisServer::start();
    let text = subscriber(&redis).argument("--variable=redis=").refusal();
    assert!(text.contains("[[trigger.redis]]") && text.contains("no Redis address"), "{text}");
}

fn scheduled(expression: &str) -> Application {
    Application::from_manifest(&format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n[variables]\nredis = {{ default = 'somewhere' }}\n\
         [[trigger.cron]]\ncron_expression = '{expression}'\ncomponent = 'guest'\n\
         [component.guest]\nsource = '{}'\nvariables = {{ redis = '{{{{ redis }}}}' }}\n",
        guest().display()
    ))
}

#[test]
fn a_schedule_runs_its_component_with_the_time() {
    let host = scheduled("* * * * * *").start();
    let tick = || host.stdout().into_iter().find(|line| line.starts_with("tick at "));
    let line = wait_for(tick).unwrap();
    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(words[3..], ["for", "somewhere"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let said = Duration::from_secs(words[2].parse().unwrap());
    assert!(now.abs_diff(said) < Duration::from_secs(30), "{line}");
    wait_for(|| host.stdout().iter().any(|line| line.contains("undefined is Err(Error::Undefined(")).then_some(()))
        .unwrap();
}

#[test]
fn a_tick_at_work_when_the_host_is_stopped_ends() {
    let mut host = scheduled("* * * * * *").argument("--variable=redis=slow").start();
    let count = |lines: &[String], what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    wait_for(|| (count(&host.stdout(), "tick at ") > count(&host.stdout(), "end of ")).then_some(())).unwrap();
    host.signal("TERM");
    assert_eq!(host.exit_code(), Some(0));
    let both = || ["tick at ", "end of "].map(|what| count(&host.stdout(), what));
    wait_for(|| (both()[0] == both()[1]).then_some(())).unwrap_or_else(|| panic!("{:?}", host.stdout()));
}

#[test]
fn without_an_http_trigger_no_address_is_taken() {
    let other = Application::with("").start();
    let mut host = scheduled("0 0 0 1 1 *").argument(format!("--listen={}", other.address)).start();
    assert_eq!(host.stdout(), ["Scheduled 0 0 0 1 1 *: guest"]);
    host.signal("TERM");
    assert_eq!(host.exit_code(), Some(0));
}

#[test]
fn a_bad_schedule_is_refused() {
    let text = scheduled("every day").refusal();
    assert!(text.contains("[[trigger.cron]] `every day` is no schedule"), "{text}");
}
