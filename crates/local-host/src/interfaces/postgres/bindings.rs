//! The definition of the interface and the code generated from it.

wasmtime::component::bindgen!({
    inline: "
        package spin:postgres@4.2.0;

        interface postgres {
            variant error {
                connection-failed(string),
                bad-parameter(string),
                query-failed(query-error),
                value-conversion-failed(string),
                other(string),
            }
            variant query-error { text(string), db-error(db-error) }
            record db-error {
                as-text: string,
                severity: string,
                code: string,
                message: string,
                detail: option<string>,
                extras: list<tuple<string, string>>,
            }

            variant db-data-type {
                boolean, int8, int16, int32, int64, floating32, floating64, str, binary, date, time, datetime,
                timestamp, uuid, jsonb, decimal, range-int32, range-int64, range-decimal, array-int32, array-int64,
                array-decimal, array-str, interval, other(string),
            }

            // year, month, day; hour, minute, second, nanosecond
            type ymd = tuple<s32, u8, u8>;
            type hmsn = tuple<u8, u8, u8, u32>;
            type ymd-hmsn = tuple<s32, u8, u8, u8, u8, u8, u32>;
            enum range-bound-kind { inclusive, exclusive }
            type s32-range = tuple<option<tuple<s32, range-bound-kind>>, option<tuple<s32, range-bound-kind>>>;
            type s64-range = tuple<option<tuple<s64, range-bound-kind>>, option<tuple<s64, range-bound-kind>>>;
            type text-range =
                tuple<option<tuple<string, range-bound-kind>>, option<tuple<string, range-bound-kind>>>;
            record interval { micros: s64, days: s32, months: s32 }

            variant db-value {
                boolean(bool), int8(s8), int16(s16), int32(s32), int64(s64), floating32(f32), floating64(f64),
                str(string), binary(list<u8>), date(ymd), time(hmsn), datetime(ymd-hmsn), timestamp(s64),
                uuid(string), jsonb(list<u8>), decimal(string), range-int32(s32-range), range-int64(s64-range),
                range-decimal(text-range), array-int32(list<option<s32>>), array-int64(list<option<s64>>),
                array-decimal(list<option<string>>), array-str(list<option<string>>), interval(interval), db-null,
                unsupported(list<u8>),
            }
            variant parameter-value {
                boolean(bool), int8(s8), int16(s16), int32(s32), int64(s64), floating32(f32), floating64(f64),
                str(string), binary(list<u8>), date(ymd), time(hmsn), datetime(ymd-hmsn), timestamp(s64),
                uuid(string), jsonb(list<u8>), decimal(string), range-int32(s32-range), range-int64(s64-range),
                range-decimal(text-range), array-int32(list<option<s32>>), array-int64(list<option<s64>>),
                array-decimal(list<option<string>>), array-str(list<option<string>>), interval(interval), db-null,
            }

            record column { name: string, data-type: db-data-type }
            type row = list<db-value>;
            record row-set { columns: list<column>, rows: list<row> }

            resource connection-builder {
                constructor(address: string);
                set-ca-root: func(certificate: string) -> result<_, error>;
                build: func() -> result<connection, error>;
                build-async: async func() -> result<connection, error>;
            }

            resource connection {
                open: static func(address: string) -> result<connection, error>;
                open-async: static async func(address: string) -> result<connection, error>;
                query: func(statement: string, params: list<parameter-value>) -> result<row-set, error>;
                query-async: async func(statement: string, params: list<parameter-value>)
                    -> result<tuple<list<column>, stream<row>, future<result<_, error>>>, error>;
                execute: func(statement: string, params: list<parameter-value>) -> result<u64, error>;
                execute-async: async func(statement: string, params: list<parameter-value>) -> result<u64, error>;
            }
        }

        world imports { import postgres; }
    ",
    imports: {
        "spin:postgres/postgres.[constructor]connection-builder": trappable,
        "spin:postgres/postgres.[method]connection-builder.build": async,
        "spin:postgres/postgres.[drop]connection-builder": trappable,
        "spin:postgres/postgres.[static]connection.open": async,
        "spin:postgres/postgres.[method]connection.query": async,
        "spin:postgres/postgres.[method]connection.execute": async,
        "spin:postgres/postgres.[drop]connection": trappable,
    },
    with: {
        "spin:postgres/postgres.connection": super::pool::Connection,
        "spin:postgres/postgres.connection-builder": super::pool::Address,
    },
    require_store_data_send: true,
});

pub use spin::postgres::postgres;
