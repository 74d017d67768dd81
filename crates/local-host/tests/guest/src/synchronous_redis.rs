//! Calls of `fermyon:spin/redis@2.0.0`, the synchronous interface of Spin 2.

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        inline: "
            package guest:synchronous-redis;

            package fermyon:spin@2.0.0 {
                interface redis {
                    variant error { invalid-address, too-many-connections, type-error, other(string) }
                    type payload = list<u8>;
                    variant redis-parameter { int64(s64), binary(payload) }
                    variant redis-result { nil, status(string), int64(s64), binary(payload) }

                    resource connection {
                        open: static func(address: string) -> result<connection, error>;
                        publish: func(channel: string, payload: payload) -> result<_, error>;
                        get: func(key: string) -> result<option<payload>, error>;
                        set: func(key: string, value: payload) -> result<_, error>;
                        incr: func(key: string) -> result<s64, error>;
                        del: func(keys: list<string>) -> result<u32, error>;
                        sadd: func(key: string, values: list<string>) -> result<u32, error>;
                        smembers: func(key: string) -> result<list<string>, error>;
                        srem: func(key: string, values: list<string>) -> result<u32, error>;
                        execute: func(command: string, arguments: list<redis-parameter>)
                            -> result<list<redis-result>, error>;
                    }
                }
            }

            world imports { import fermyon:spin/redis@2.0.0; }
        ",
        generate_all,
    });
}

use bindings::fermyon::spin::redis::{Connection, RedisParameter};

use crate::Outcome;

pub async fn every_function() -> Outcome {
    let address = spin_sdk::variables::get("redis").await;
    let address = address.map_err(|error| format!("{error:?}"))?;
    let c = Connection::open(&address).map_err(|error| format!("{error:?}"))?;

    let text = |text: &str| RedisParameter::Binary(text.into());
    let nested = [text("return{1,{ok='fine'},{'x',false}}"), RedisParameter::Int64(0)];
    let strings = |strings: &[&str]| -> Vec<String> {
        strings.iter().map(|string| (*string).to_owned()).collect()
    };

    Ok([
        format!("set: {:?}", c.set("k", b"\0\xff")),
        format!("get: {:?}", c.get("k")),
        format!("get none: {:?}", c.get("none")),
        format!("incr: {:?}", c.incr("n")),
        format!("incr text: {:?}", c.incr("k")),
        format!("del: {:?}", c.del(&strings(&["k", "none"]))),
        format!("sadd: {:?}", c.sadd("s", &strings(&["a", "b"]))),
        format!("sadd number: {:?}", c.sadd("n", &strings(&["b"]))),
        format!("srem: {:?}", c.srem("s", &strings(&["b"]))),
        format!("smembers: {:?}", c.smembers("s")),
        format!("publish: {:?}", c.publish("ch", b"m")),
        format!("execute: {:?}", c.execute("EVAL", &nested)),
    ]
    .join("\n"))
}

pub fn open(address: &str) -> String {
    match Connection::open(address) {
        Ok(_) => "open".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
