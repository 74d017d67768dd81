//! The script in SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row};
use sample_catalogue::{DEFAULT_SEED, catalogue_sql};

const TABLES: [(&str, u32); 8] = [
    ("categories", 200),
    ("vehicle_brands", 60),
    ("vehicle_models", 900),
    ("vehicle_types", 2_686),
    ("products", 5_200),
    ("users", 2_000),
    ("settings", 40),
    ("seo_pages", 60),
];

static SQL: LazyLock<String> = LazyLock::new(|| catalogue_sql(DEFAULT_SEED).unwrap());

fn loaded() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.pragma_update(None, "foreign_keys", true).unwrap();
    database.execute_batch(&SQL).unwrap();
    database
}

fn number(database: &Connection, query: &str) -> i64 {
    database.query_row(query, [], |row| row.get(0)).unwrap()
}

fn rows<T>(
    database: &Connection,
    query: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut statement = database.prepare(query).unwrap();
    statement
        .query_map([], |row| read(row))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Every row of every table, as SQLite prints it.
fn content(database: &Connection) -> Vec<String> {
    let tables = TABLES.iter().flat_map(|(table, _)| {
        rows(
            database,
            &format!("SELECT * FROM {table} ORDER BY id"),
            |row| {
                let values = (0..row.as_ref().column_count()).map(|column| row.get_ref(column));
                Ok(format!(
                    "{table} {:?}",
                    values.collect::<Result<Vec<_>, _>>()?
                ))
            },
        )
    });

    tables.collect()
}

#[test]
fn every_table_has_the_rows_that_the_readme_states() {
    let database = loaded();
    let readme = include_str!("../../../data/README.md");
    for (table, expected) in TABLES {
        assert_eq!(
            number(&database, &format!("SELECT COUNT(*) FROM {table}")),
            i64::from(expected),
            "{table}"
        );
        let cells = format!("| `{table}` | {expected} |");
        assert!(
            readme.contains(&cells),
            "data/README.md has no row that begins with {cells}"
        );
    }

    let tables = number(
        &database,
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'",
    );
    assert_eq!(tables, TABLES.len() as i64);
}

#[test]
fn the_queries_of_the_readme_run() {
    let database = loaded();
    let readme = include_str!("../../../data/README.md");
    let queries: Vec<_> = readme
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("SELECT "))
        .collect();
    let counts: Vec<_> = queries
        .iter()
        .map(|query| rows(&database, query, |_| Ok(())).len())
        .collect();
    assert_eq!(counts, [100, 20, 3]);
}

#[test]
fn running_the_script_again_changes_nothing() {
    let database = loaded();
    let before = content(&database);
    database.execute_batch(&SQL).unwrap();
    assert_eq!(content(&database), before);
}

#[test]
fn a_price_changed_by_the_application_survives_a_second_run() {
    let database = loaded();
    database
        .execute_batch("UPDATE products SET price_cents = 1 WHERE id = 42")
        .unwrap();
    database.execute_batch(&SQL).unwrap();
    assert_eq!(
        number(&database, "SELECT price_cents FROM products WHERE id = 42"),
        1
    );
}

#[test]
fn a_script_that_fails_midway_changes_nothing() {
    let database = Connection::open_in_memory().unwrap();
    let broken = SQL.replace("INSERT INTO users", "INSERT INTO nobody");
    assert!(database.execute_batch(&broken).is_err());
    database.execute_batch("ROLLBACK").unwrap();
    assert_eq!(number(&database, "SELECT COUNT(*) FROM sqlite_master"), 0);
}

#[test]
fn every_reference_points_to_a_row() {
    let database = loaded();
    assert_eq!(
        rows(&database, "PRAGMA foreign_key_check", |row| row
            .get::<_, String>(0)),
        Vec::<String>::new()
    );
    assert_eq!(
        rows(&database, "PRAGMA integrity_check", |row| row
            .get::<_, String>(0)),
        ["ok"]
    );
}

#[test]
fn the_hundred_most_popular_products_are_read_in_order_from_an_index() {
    let database = loaded();
    let query = "SELECT id, sales_count FROM products WHERE is_active = 1 ORDER BY sales_count DESC, id LIMIT 100";
    let top = rows(&database, query, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    assert_eq!(top.len(), 100);
    assert!(top.is_sorted_by_key(|(id, sales)| (-sales, *id)));
    assert!(top[0].1 > 10 * top[99].1, "popularity is flat: {top:?}");

    let plan = rows(&database, &format!("EXPLAIN QUERY PLAN {query}"), |row| {
        row.get::<_, String>(3)
    });
    assert_eq!(plan, ["SCAN products USING INDEX products_by_sales"]);
    assert!(
        number(
            &database,
            "SELECT COUNT(*) - COUNT(DISTINCT sales_count) FROM products"
        ) > 0,
        "no ties to break"
    );
}

#[test]
fn the_twenty_most_popular_brands_are_plausible() {
    let database = loaded();
    let query = "SELECT name, popularity FROM vehicle_brands ORDER BY popularity DESC, id LIMIT 20";
    let brands = rows(&database, query, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let names: Vec<_> = brands.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"Volkswagen"), "{names:?}");
    assert!(names.contains(&"Renault"), "{names:?}");
    assert!(!names.contains(&"Ferrari"), "{names:?}");
    assert!(brands[0].1 > brands[19].1);
}

#[test]
fn a_part_fits_an_engine_of_its_vehicle() {
    let query = "SELECT COUNT(*) FROM products p WHERE p.name LIKE '%Spark Plug%' AND NOT EXISTS (
        SELECT 1 FROM vehicle_types t WHERE t.model_id = p.vehicle_model_id AND t.fuel IN ('petrol', 'hybrid'))";
    assert_eq!(number(&loaded(), query), 0);
}

#[test]
fn every_model_has_two_to_four_types() {
    let query = "SELECT COUNT(*) FROM vehicle_models m
        WHERE (SELECT COUNT(*) FROM vehicle_types t WHERE t.model_id = m.id) NOT BETWEEN 2 AND 4";
    assert_eq!(number(&loaded(), query), 0);
}

#[test]
fn names_are_unique_and_spread_over_makers_and_categories() {
    let database = loaded();
    for (table, column) in [
        ("products", "name"),
        ("users", "name"),
        ("users", "email"),
        ("seo_pages", "title"),
    ] {
        let query = format!("SELECT COUNT(*) - COUNT(DISTINCT {column}) FROM {table}");
        assert_eq!(number(&database, &query), 0, "{table}.{column}");
    }

    let query = "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM products GROUP BY maker)";
    assert!(
        number(&database, query) < 5_200 / 10,
        "one maker has too many products"
    );

    let query = "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM products GROUP BY category_id)";
    assert!(
        number(&database, query) < 60,
        "one category has too many products"
    );
}

#[test]
fn users_are_invented_and_a_few_are_administrators() {
    let database = loaded();
    assert_eq!(
        number(
            &database,
            "SELECT COUNT(*) FROM users WHERE email NOT LIKE '%@example.com'"
        ),
        0
    );
    assert_eq!(
        number(&database, "SELECT COUNT(*) FROM users WHERE role = 'admin'"),
        6
    );
    assert_eq!(
        number(
            &database,
            "SELECT COUNT(*) FROM users WHERE role = 'admin' AND is_active = 1"
        ),
        5
    );

    let active = number(&database, "SELECT COUNT(*) FROM users WHERE is_active = 1");
    assert!((1_700..1_850).contains(&active), "{active}");
    assert_eq!(
        number(
            &database,
            "SELECT COUNT(*) FROM users WHERE (order_count = 0) <> (spent_cents = 0)"
        ),
        0
    );
}

#[test]
fn settings_and_pages_match_the_warmup_plan() {
    let database = loaded();
    let count = "SELECT COUNT(*) FROM settings GROUP BY is_active ORDER BY is_active";
    assert_eq!(rows(&database, count, |row| row.get::<_, i64>(0)), [6, 34]);
    let main = rows(
        &database,
        "SELECT slug FROM seo_pages WHERE is_main = 1 ORDER BY id",
        |row| row.get::<_, String>(0),
    );
    assert_eq!(main.len(), 8);
    assert_eq!(main[0], "homepage");
}

#[test]
fn times_are_rfc_3339_and_none_is_later_than_the_catalogue() {
    let database = loaded();
    for (table, column) in [
        ("products", "created_at"),
        ("products", "updated_at"),
        ("users", "created_at"),
        ("users", "last_login_at"),
        ("settings", "updated_at"),
        ("seo_pages", "updated_at"),
    ] {
        let query = format!(
            "SELECT COUNT(*) FROM {table} WHERE {column} <> strftime('%Y-%m-%dT%H:%M:%SZ', {column})
                OR {column} > '2025-11-15T12:00:00Z'"
        );
        assert_eq!(number(&database, &query), 0, "{table}.{column}");
    }
}

#[test]
fn the_category_tree_has_three_levels_and_unique_slugs() {
    let database = loaded();
    let slugs = rows(&database, "SELECT slug, depth FROM categories", |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    let mut levels = BTreeMap::<i64, BTreeSet<String>>::new();
    for (slug, depth) in slugs {
        levels.entry(depth).or_default().insert(slug);
    }
    assert_eq!(levels.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(levels.values().map(BTreeSet::len).sum::<usize>(), 200);
    assert!(levels[&0].contains("brake"));
    assert_eq!(levels[&0].len(), 20);
}

#[test]
fn loading_is_fast() {
    let database = Connection::open_in_memory().unwrap();
    let sql = SQL.as_str();
    let start = Instant::now();
    database.execute_batch(sql).unwrap();
    // The target is half a second; a busy machine may take four times as long.
    assert!(
        start.elapsed() < Duration::from_millis(2_000),
        "loading took {:?}",
        start.elapsed()
    );
}
