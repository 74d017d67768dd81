//! The scripts in PostgreSQL: its rows are those of SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use edge_cache_testing::PostgresServer;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sample_catalogue::{DEFAULT_SEED, Dialect, catalogue, catalogue_sql};

const TABLES: [&str; 8] = [
    "categories",
    "vehicle_brands",
    "vehicle_models",
    "vehicle_types",
    "products",
    "users",
    "settings",
    "seo_pages",
];

/// Queries whose order would depend on the locale without a collation.
const SORTED: [&str; 2] = [
    "SELECT name FROM products ORDER BY name, id",
    "SELECT DISTINCT name FROM vehicle_types ORDER BY name",
];

fn queries() -> Vec<String> {
    let tables = TABLES
        .iter()
        .map(|table| format!("SELECT * FROM {table} ORDER BY id"));
    tables.chain(SORTED.map(str::to_owned)).collect()
}

/// The rows of a query in SQLite, as `psql` would print them.
fn printed(database: &Connection, query: &str) -> String {
    let mut statement = database.prepare(query).unwrap();
    let width = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut text = String::new();

    while let Some(row) = rows.next().unwrap() {
        let cells = (0..width).map(|column| match row.get_ref(column).unwrap() {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            other => other.as_str().unwrap().to_owned(),
        });
        text.push_str(&cells.collect::<Vec<_>>().join("|"));
        text.push('\n');
    }

    text
}

fn sqlite() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(&catalogue_sql(DEFAULT_SEED).unwrap())
        .unwrap();
    database
}

#[test]
fn rows_and_their_order_are_those_of_sqlite_in_any_locale() {
    let sqlite = sqlite();
    let server = PostgresServer::start();
    // A database with an ICU locale sorts text by the rules of its language.
    server.run("CREATE DATABASE shop TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
    let script = catalogue(DEFAULT_SEED, Dialect::Postgres).unwrap();
    server.run(&format!("\\connect shop\n{script}"));
    for query in queries() {
        let theirs = server.run(&format!("\\connect shop\n{query};"));
        assert!(theirs == printed(&sqlite, &query), "{query}");
    }
}

#[test]
fn both_scripts_can_be_run_again_without_changing_anything() {
    let server = PostgresServer::start();
    for script in [
        catalogue_sql(DEFAULT_SEED).unwrap(),
        catalogue(DEFAULT_SEED, Dialect::Postgres).unwrap(),
    ] {
        server.run(&script);
        server.run("UPDATE products SET price_cents = 1 WHERE id = 42");
        server.run(&script);
        assert_eq!(
            server.run(
                "SELECT price_cents, (SELECT COUNT(*) FROM products) FROM products WHERE id = 42"
            ),
            "1|5200\n"
        );
        server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
    }
}
