//! The definition of the interface and the code generated from it.

wasmtime::component::bindgen!({
    inline: "
        package spin:sqlite@3.1.0;

        interface sqlite {
            variant error { no-such-database, access-denied, invalid-connection, database-full, io(string) }
            variant value { integer(s64), real(f64), text(string), blob(list<u8>), null }
            record row-result { values: list<value> }
            record query-result { columns: list<string>, rows: list<row-result> }

            resource connection {
                open: static func(database: string) -> result<connection, error>;
                open-async: static async func(database: string) -> result<connection, error>;
                execute: func(statement: string, parameters: list<value>) -> result<query-result, error>;
                execute-async: async func(statement: string, parameters: list<value>)
                    -> result<tuple<list<string>, stream<row-result>, future<result<_, error>>>, error>;
                last-insert-rowid: func() -> s64;
                last-insert-rowid-async: async func() -> s64;
                changes: func() -> u64;
                changes-async: async func() -> u64;
            }
        }

        world imports { import sqlite; }
    ",
    imports: {
        "spin:sqlite/sqlite.[drop]connection": trappable,
        "spin:sqlite/sqlite.[method]connection.execute": async,
        "spin:sqlite/sqlite.[method]connection.last-insert-rowid": trappable,
        "spin:sqlite/sqlite.[method]connection.last-insert-rowid-async": async | store | trappable,
        "spin:sqlite/sqlite.[method]connection.changes": trappable,
        "spin:sqlite/sqlite.[method]connection.changes-async": async | store | trappable,
    },
    with: { "spin:sqlite/sqlite.connection": super::database::Database },
    require_store_data_send: true,
});

pub use spin::sqlite::sqlite;
