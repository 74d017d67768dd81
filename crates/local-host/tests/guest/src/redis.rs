//! Calls of `spin:redis`.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use spin_sdk::redis::{Connection, RedisParameter, RedisResult};

use crate::Outcome;

thread_local! {
    static KEPT: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

async fn address() -> Result<String, String> {
    spin_sdk::variables::get("redis")
        .await
        .map_err(|error| format!("{error:?}"))
}

async fn connect() -> Result<Connection, String> {
    Connection::open(address().await?)
        .await
        .map_err(|error| format!("{error:?}"))
}

/// Returns the connection that this instance keeps between requests.
async fn kept() -> Result<Rc<Connection>, String> {
    if let Some(connection) = KEPT.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let connection = Rc::new(connect().await?);
    KEPT.set(Some(connection.clone()));
    Ok(connection)
}

pub async fn ping() -> Outcome {
    let reply = kept()
        .await?
        .execute("PING", Vec::<RedisParameter>::new())
        .await;
    reply
        .map(|reply| show(&reply))
        .map_err(|error| format!("{error:?}"))
}

pub async fn every_function() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    macro_rules! line {
        ($name:literal, $call:expr) => {
            lines.push(format!("{}: {:?}", $name, $call.await))
        };
    }
    line!("set", c.set("k", b"\0\xff"));
    line!("get", c.get("k"));
    line!("get none", c.get("none"));
    line!("incr", c.incr("n"));
    line!("incr", c.incr("n"));
    line!("incr text", c.incr("k"));
    line!("del", c.del(["k", "none"]));
    line!("sadd", c.sadd("s", ["a", "b"]));
    line!("sadd", c.sadd("s", ["b"]));
    line!("sadd number", c.sadd("n", ["b"]));
    line!("srem", c.srem("s", ["b"]));
    line!("smembers", c.smembers("s"));
    line!("smembers number", c.smembers("n"));
    line!("publish", c.publish("ch", b"m"));
    line!("get set", c.get("s"));

    Ok(lines.join("\n"))
}

/// A command for each type of reply.
const COMMANDS: &[&str] = &[
    "PING",
    "GET none",
    "SET a 1",
    "GET a",
    "INCRBY a 5",
    "EVAL return{1,{2,{'x',false}},{}} 0",
    "EVAL return{ok='fine'} 0",
    "EVAL return{err='bad'} 0",
    "EVAL return{1,{err='inner'}} 0",
    "NOSUCH command",
    "HELLO 3",
    "HSET h f v",
    "HGETALL h",
    "ZADD z 1.5 m",
    "ZSCORE z m",
    "SADD set x",
    "SMEMBERS set",
    "EVAL redis.setresp(3);return{double=2.5} 0",
    "EVAL redis.setresp(3);return{big_number='123456789012345678901234567890'} 0",
    "EVAL redis.setresp(3);return{true} 0",
    "EVAL redis.setresp(3);return{map={a=1}} 0",
    "EVAL redis.setresp(3);return{verbatim_string={string='t',format='txt'}} 0",
];

/// Runs the commands through `execute`.
pub async fn replies() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for command in COMMANDS {
        let mut words = command.split(' ').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        // Numbers are sent as such, so that both types of argument are used.
        let arguments: Vec<_> = words
            .map(|word| match word.parse() {
                Ok(number) => RedisParameter::Int64(number),
                Err(_) => RedisParameter::Binary(word.into_bytes()),
            })
            .collect();
        let reply = match c.execute(name, arguments).await {
            Ok(reply) => show(&reply),
            Err(error) => format!("{error:?}"),
        };
        lines.push(format!("{command} => {reply}"));
    }

    Ok(lines.join("\n"))
}

pub fn show(reply: &[RedisResult]) -> String {
    let items = reply.iter().map(|item| match item {
        RedisResult::Nil => "nil".to_owned(),
        RedisResult::Status(text) => format!("status {text}"),
        RedisResult::Int64(number) => format!("int {number}"),
        RedisResult::Binary(bytes) => format!("binary {}", String::from_utf8_lossy(bytes)),
    });
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

pub async fn open(address: &str) -> String {
    match Connection::open(address).await {
        Ok(_) => "open".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// Opens connections up to the limit, and another one after closing one.
pub async fn open_many() -> String {
    let mut open = Vec::new();
    let error = loop {
        match connect().await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
    };
    let count = open.len();
    open.pop();
    let again = connect().await.is_ok();
    format!("{count} then {error}, after closing one: {again}")
}

/// Sends many commands at once on one connection, and counts the correct replies.
pub async fn parallel() -> Outcome {
    let c = connect().await?;
    let replies = join_all((0..100).map(|n| {
        let c = &c;
        async move {
            let reply = c.execute("ECHO", [RedisParameter::Binary(n.to_string().into_bytes())]).await;
            matches!(reply.as_deref(), Ok([RedisResult::Binary(bytes)]) if *bytes == n.to_string().into_bytes())
        }
    }))
    .await;

    Ok(replies
        .into_iter()
        .filter(|right| *right)
        .count()
        .to_string())
}
