//! The definition of the interface and the code generated from it.

wasmtime::component::bindgen!({
    inline: "
        package spin:redis@3.0.0;

        interface redis {
            variant error { invalid-address, too-many-connections, type-error, other(string) }
            type payload = list<u8>;
            variant redis-parameter { int64(s64), binary(payload) }
            variant redis-result { nil, status(string), int64(s64), binary(payload) }

            resource connection {
                open: static async func(address: string) -> result<connection, error>;
                publish: async func(channel: string, payload: payload) -> result<_, error>;
                get: async func(key: string) -> result<option<payload>, error>;
                set: async func(key: string, value: payload) -> result<_, error>;
                incr: async func(key: string) -> result<s64, error>;
                del: async func(keys: list<string>) -> result<u32, error>;
                sadd: async func(key: string, values: list<string>) -> result<u32, error>;
                smembers: async func(key: string) -> result<list<string>, error>;
                srem: async func(key: string, values: list<string>) -> result<u32, error>;
                execute: async func(command: string, arguments: list<redis-parameter>)
                    -> result<list<redis-result>, error>;
            }
        }

        interface inbound-redis {
            use redis.{payload, error};
            handle-message: async func(message: payload) -> result<_, error>;
        }

        world subscriber {
            import redis;
            export inbound-redis;
        }
    ",
    imports: { "spin:redis/redis.[drop]connection": trappable },
    with: { "spin:redis/redis.connection": super::connection::Connection },
    require_store_data_send: true,
});

pub use spin::redis::redis;
