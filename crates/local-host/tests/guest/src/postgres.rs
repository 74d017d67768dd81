//! What the tests ask of `spin:postgres`.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use spin_sdk::pg::wit::postgres as wit;
use spin_sdk::pg::{Certificate, Connection, DbValue, Interval, OpenOptions, ParameterValue, RangeBoundKind};

use crate::Outcome;

thread_local! {
    static KEPT: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

const NONE: &[ParameterValue] = &[];

async fn address() -> Result<String, String> {
    spin_sdk::variables::get("postgres").await.map_err(|error| format!("{error:?}"))
}

async fn connect() -> Result<Connection, String> {
    Connection::open(address().await?).await.map_err(|error| format!("{error:?}"))
}

/// Columns and rows, or what went wrong where.
async fn ask(c: &Connection, sql: &str, values: &[ParameterValue]) -> String {
    let mut answer = match c.query(sql, values).await {
        Ok(answer) => answer,
        Err(error) => return format!("refused {error:?}"),
    };
    let columns: Vec<_> =
        answer.columns().iter().map(|column| format!("{} {:?}", column.name, column.data_type)).collect();
    let mut rows = Vec::new();
    while let Some(row) = answer.rows().next().await {
        rows.push(format!("{row:?}"));
    }
    format!("[{}] {} then {:?}", columns.join(", "), rows.join(" "), answer.result().await)
}

/// One for each type, and for what is special about some.
const VALUES: &[&str] = &[
    "true, false, NULL::bool",
    "1::int2, -2::int4, 9007199254740993::int8, NULL::int8",
    "1.5::float4, 0.1::float8, 'NaN'::float8, '-Infinity'::float8",
    "'text ü', 'varchar'::varchar(20), 'char'::char(6), ''::text, NULL::text",
    r"'\x00ff'::bytea",
    "date '2026-11-22', date '0001-01-01', date '0044-03-15 BC'",
    "time '23:59:59.123456', time '00:00'",
    "timestamp '2026-11-22 01:02:03.5', timestamptz '2026-11-22 01:02:03+02'",
    "'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    r#"'{"b": 1.10, "aa": [null, "x"], "big": 12345678901234567890}'::jsonb, '[]'::jsonb, NULL::jsonb"#,
    "1.50::numeric, -0.000001::numeric, 12345678901234567890::numeric, 1e20::numeric, 0::numeric(5,2)",
    "int4range(1, 5), int4range(NULL, 5, '[]'), int8range(1, NULL), 'empty'::int4range",
    "numrange(1.5, 2.50, '(]'), numrange(NULL, NULL)",
    "ARRAY[1, NULL, 3]::int4[], ARRAY[]::int8[], ARRAY[1.5, NULL]::numeric[]",
    "ARRAY['a', NULL, 'b,\"c']::text[], ARRAY['v']::varchar[], ARRAY['c']::char(2)[]",
    "interval '1 year 2 months 3 days 04:05:06.7', interval '-1 second'",
    "'{\"a\": 1}'::json, 'name'::name, 5::oid, '10.0.0.1'::inet, '(1,2)'::point, ARRAY[true], 'x'::\"char\"",
    "1 AS a, 2 AS a, 3 AS \"Ä b\", 4",
    "'infinity'::timestamp",
    "'infinity'::date",
    "1e30::numeric, 'NaN'::numeric",
    "ARRAY[[1, 2], [3, 4]]",
    "VARIADIC",
    "1 WHERE false",
    "n / (2 - n) FROM generate_series(1, 3) n",
    "1/0",
];

pub async fn values() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for values in VALUES {
        lines.push(format!("{values} => {}", ask(&c, &format!("SELECT {values}"), &[]).await));
    }
    Ok(lines.join("\n"))
}

/// A parameter of every kind, and the type it is sent for.
fn sent() -> Vec<(&'static str, ParameterValue)> {
    let bound = |text: &str, kind| Some((text.to_owned(), kind));
    let (open, closed) = (RangeBoundKind::Exclusive, RangeBoundKind::Inclusive);
    let texts = |texts: &[&str]| texts.iter().map(|text| Some((*text).to_owned())).chain([None]).collect();
    vec![
        ("bool", ParameterValue::Boolean(true)),
        ("\"char\"", ParameterValue::Int8(65)),
        ("int2", ParameterValue::Int16(-2)),
        ("int4", ParameterValue::Int32(i32::MIN)),
        ("int8", ParameterValue::Int64(i64::MAX)),
        ("float4", ParameterValue::Floating32(1.5)),
        ("float8", ParameterValue::Floating64(0.1)),
        ("text", ParameterValue::Str("ü'\\".to_owned())),
        ("varchar", ParameterValue::Str("v".to_owned())),
        ("bytea", ParameterValue::Binary(vec![0, 255])),
        ("date", ParameterValue::Date((2026, 11, 22))),
        ("time", ParameterValue::Time((1, 2, 3, 4_000))),
        ("timestamp", ParameterValue::Datetime((2026, 11, 22, 1, 2, 3, 4_000))),
        ("timestamptz", ParameterValue::Timestamp(1_000_000_000)),
        ("uuid", ParameterValue::Uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".to_owned())),
        ("jsonb", ParameterValue::Jsonb(br#"{"a":[1,2.50]}"#.to_vec())),
        ("json", ParameterValue::Jsonb(br#"{"a":1}"#.to_vec())),
        ("numeric", ParameterValue::Decimal("-12.50".to_owned())),
        ("int4range", ParameterValue::RangeInt32((Some((1, closed)), Some((5, open))))),
        ("int8range", ParameterValue::RangeInt64((None, Some((5, closed))))),
        ("numrange", ParameterValue::RangeDecimal((bound("1.50", open), None))),
        ("int4[]", ParameterValue::ArrayInt32(vec![Some(1), None])),
        ("int8[]", ParameterValue::ArrayInt64(vec![])),
        ("numeric[]", ParameterValue::ArrayDecimal(texts(&["1.5"]))),
        ("text[]", ParameterValue::ArrayStr(texts(&["a", ""]))),
        ("interval", ParameterValue::Interval(Interval { micros: -1, days: 2, months: 3 })),
        ("text", ParameterValue::DbNull),
        ("int4[]", ParameterValue::DbNull),
        // What cannot be sent.
        ("int4", ParameterValue::Int64(1)),
        ("int4", ParameterValue::Str("1".to_owned())),
        ("timestamptz", ParameterValue::Datetime((2026, 11, 22, 1, 2, 3, 0))),
        ("timestamp", ParameterValue::Timestamp(1)),
        ("text", ParameterValue::Str("a\0b".to_owned())),
        ("date", ParameterValue::Date((2026, 2, 30))),
        ("time", ParameterValue::Time((25, 0, 0, 0))),
        ("uuid", ParameterValue::Uuid("x".to_owned())),
        ("jsonb", ParameterValue::Jsonb(b"{".to_vec())),
        ("numeric", ParameterValue::Decimal("1,5".to_owned())),
        ("numrange", ParameterValue::RangeDecimal((bound("x", open), None))),
    ]
}

pub async fn parameters() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for (kind, value) in sent() {
        let name = format!("{value:?}");
        lines.push(format!("{kind} {name} => {}", ask(&c, &format!("SELECT $1::{kind}"), &[value]).await));
    }
    let two = [ParameterValue::Int32(1), ParameterValue::Int32(2)];
    lines.push(format!("one too many => {}", ask(&c, "SELECT $1::int4", &two).await));
    lines.push(format!("one too few => {}", ask(&c, "SELECT $1::int4 + $2::int4", &two[..1]).await));
    Ok(lines.join("\n"))
}

/// Run in this order on one connection.
const STATEMENTS: &[&str] = &[
    "CREATE TABLE t (id int4 PRIMARY KEY, name text NOT NULL CHECK (name <> ''))",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO t VALUES (1, 'c')",
    "INSERT INTO t VALUES (3, '')",
    "INSERT INTO t (id) VALUES (4)",
    "INSERT INTO t VALUES ('x', 'd')",
    "INSERT INTO none VALUES (1)",
    "SELEC 1",
    "SELECT 1; SELECT 2",
    "",
    "UPDATE t SET name = name || '!'",
    "SELECT id FROM t",
    "DO $$ BEGIN RAISE EXCEPTION 'mine' USING HINT = 'try', DETAIL = 'more', ERRCODE = 'EC001'; END $$",
    "BEGIN",
    "DELETE FROM t",
    "SELECT 1/0",
    "SELECT 1",
    "ROLLBACK",
    "DELETE FROM t WHERE id = 1",
];

/// Statements for their effect, and a look at what is left.
pub async fn statements() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for statement in STATEMENTS {
        lines.push(format!("{statement} => {:?}", c.execute(*statement, NONE).await));
    }
    let bad = [ParameterValue::Date((0, 0, 0))];
    lines.push(format!("bad parameter => {:?}", c.execute("SELECT $1::date", bad).await));
    lines.push(ask(&c, "SELECT * FROM t ORDER BY id", &[]).await);
    lines.push(ask(&c, "INSERT INTO t VALUES (7, 'r') RETURNING *", &[]).await);
    lines.push(ask(&c, "DELETE FROM t", &[]).await);
    Ok(lines.join("\n"))
}

/// The functions without `async`, which the SDK does not use.
pub async fn synchronous() -> Outcome {
    let address = address().await?;
    let c = wit::Connection::open(&address).map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();
    for sql in ["SELECT n, n::text AS t FROM generate_series(1, 2) n", "SELECT 1/0", "SELEC", "SELECT 'infinity'::date"]
    {
        lines.push(format!("{sql} => {:?}", c.query(sql, &[]).map(|set| (set.columns, set.rows))));
    }
    lines.push(format!("{:?}", c.query("SELECT 1 / (2 - n) FROM generate_series(1, 3) n", &[]).map(|set| set.rows)));
    lines.push(format!("{:?}", c.query("SELECT $1::date", &[ParameterValue::Date((0, 0, 0))]).map(|set| set.rows)));
    lines.push(format!("{:?}", c.execute("SELECT generate_series(1, 5)", &[])));
    lines.push(format!("{:?}", c.execute("SELECT $1::int2", &[ParameterValue::Uuid(String::new())])));
    let built = wit::ConnectionBuilder::new(&address).build().map_err(|error| format!("{error:?}"))?;
    lines.push(format!("{:?}", built.query("SELECT 5", &[]).map(|set| set.rows)));
    Ok(lines.join("\n"))
}

/// A query without rows by a function without `async`: Spin 4.1 never answers it.
pub async fn nothing() -> Outcome {
    let c = wit::Connection::open(&address().await?).map_err(|error| format!("{error:?}"))?;
    Ok(format!("{:?}", c.query("SELECT 1 WHERE false", &[]).map(|set| (set.columns, set.rows))))
}

/// Opens an address (spaces written `+`) in each way the SDK has, and in the one without `async`.
pub async fn open(address: &str) -> String {
    let address = address.replace('+', " ");
    let by_sdk =
        [Connection::open(&address).await, Connection::open_with_options(&address, OpenOptions::default()).await];
    let by_sdk = by_sdk.map(|opened| opened.map(drop).map_err(|error| format!("{error:?}")));
    let direct = wit::Connection::open(&address).map(drop).map_err(|error| format!("{error:?}"));
    let ways = by_sdk.into_iter().chain([direct]);
    ways.map(|opened| opened.err().unwrap_or("open".to_owned())).collect::<Vec<_>>().join("\n")
}

/// The same by a builder without `async`, which on Spin 4.1 opens what the component may not reach.
pub async fn build(address: &str) -> String {
    let built = wit::ConnectionBuilder::new(&address.replace('+', " ")).build();
    built.err().map_or("open".to_owned(), |error| format!("{error:?}"))
}

/// Opens the address of the variable, trusting the authority whose certificate is in a file.
pub async fn open_trusting(file: &str) -> Outcome {
    let options = OpenOptions { ca_root: Some(Certificate::FilePath(file.to_owned())) };
    let c = Connection::open_with_options(address().await?, options).await.map_err(|error| format!("{error:?}"))?;
    Ok(ask(&c, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await)
}

/// A query on the connection this instance keeps; one that broke is opened again the next time.
pub async fn kept() -> Outcome {
    let connection = match KEPT.with_borrow(Clone::clone) {
        Some(connection) => connection,
        None => {
            let connection = Rc::new(connect().await?);
            KEPT.set(Some(connection.clone()));
            connection
        }
    };
    let answer = ask(&connection, "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'", &[]).await;
    if answer.starts_with("refused") {
        KEPT.set(None);
    }
    Ok(answer)
}

/// A query that takes so many seconds.
pub async fn sleep(seconds: &str) -> Outcome {
    let seconds = seconds.parse().map_err(|_| "not a number")?;
    let slow = "SELECT 1 FROM pg_sleep($1)";
    Ok(ask(&connect().await?, slow, &[ParameterValue::Floating64(seconds)]).await)
}

/// How many rows arrive, and their sum; `wide` says of how many characters.
pub async fn stream(rows: &str) -> Outcome {
    let rows: i32 = rows.parse().map_err(|_| "not a number")?;
    let c = connect().await?;
    let sql = "SELECT n::int8, repeat('x', 100) FROM generate_series(1, $1) n";
    let mut answer = c.query(sql, [ParameterValue::Int32(rows)]).await.map_err(|error| format!("{error:?}"))?;
    let (mut count, mut sum) = (0, 0);
    while let Some(row) = answer.rows().next().await {
        if let [DbValue::Int64(number), DbValue::Str(text)] = row.as_slice() {
            (count, sum) = (count + 1, sum + number + i64::from(text.len() != 100));
        }
    }
    Ok(format!("{count} rows, sum {sum}, {:?}", answer.result().await))
}

/// Reads a few of many rows; the connection is then good for the next query.
pub async fn partly() -> Outcome {
    let c = connect().await?;
    let mut answer = c.query("SELECT generate_series(1, 100000)", NONE).await.map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(format!("{:?}", answer.rows().next().await));
    }
    let (_, rows, result) = answer.into_inner();
    drop(rows);
    // Spin says one thing or another, as it happens; that it says something is what counts.
    let _ = result.await;
    lines.push(ask(&c, "SELECT 'next'", &[]).await);
    Ok(lines.join("\n"))
}

/// Queries at the same time on one connection and on several: each gets its own answer.
pub async fn parallel() -> Outcome {
    let connections = [connect().await?, connect().await?, connect().await?];
    let answers = join_all((0..60).map(|n| {
        let c = &connections[n as usize % 3];
        async move { ask(c, "SELECT $1::int4", &[ParameterValue::Int32(n)]).await.contains(&format!("Int32({n})")) }
    }));
    Ok(answers.await.into_iter().filter(|right| *right).count().to_string())
}

/// A connection that is closed is reused, without what was set on it; one in use is not shared.
pub async fn reuse() -> Outcome {
    let process = async |c: &Connection| ask(c, "SELECT pg_backend_pid(), current_setting('work_mem')", &[]).await;
    let first = connect().await?;
    let other = connect().await?;
    let fresh = process(&first).await;
    first.execute("SET work_mem = '123kB'", NONE).await.map_err(|error| format!("{error:?}"))?;
    let set = process(&first).await.contains("123kB");
    let own = process(&other).await != fresh;
    drop(first);
    let again = connect().await?;
    Ok(format!("set: {set}, own: {own}, the first again and clean: {}", process(&again).await == fresh))
}
