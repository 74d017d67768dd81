//! Calls of `spin:postgres`.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use spin_sdk::pg::wit::postgres as wit;
use spin_sdk::pg::{Certificate, Connection, DbValue, OpenOptions, ParameterValue};

use crate::Outcome;

thread_local! {
    static KEPT: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

const NONE: &[ParameterValue] = &[];

async fn address() -> Result<String, String> {
    spin_sdk::variables::get("postgres")
        .await
        .map_err(|error| format!("{error:?}"))
}

pub async fn connect() -> Result<Connection, String> {
    Connection::open(address().await?)
        .await
        .map_err(|error| format!("{error:?}"))
}

/// Runs a query and describes its columns, rows and outcome.
pub async fn describe_query(c: &Connection, sql: &str, values: &[ParameterValue]) -> String {
    let mut result = match c.query(sql, values).await {
        Ok(result) => result,
        Err(error) => return format!("refused {error:?}"),
    };

    let columns: Vec<_> = result
        .columns()
        .iter()
        .map(|column| format!("{} {:?}", column.name, column.data_type))
        .collect();

    let mut rows = Vec::new();
    while let Some(row) = result.rows().next().await {
        rows.push(format!("{row:?}"));
    }

    format!(
        "[{}] {} then {:?}",
        columns.join(", "),
        rows.join(" "),
        result.result().await
    )
}

/// Statements that run in this order on one connection.
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

/// Runs the statements, and reads the remaining rows.
pub async fn statements() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for statement in STATEMENTS {
        lines.push(format!(
            "{statement} => {:?}",
            c.execute(*statement, NONE).await
        ));
    }

    let bad = [ParameterValue::Date((0, 0, 0))];
    lines.push(format!(
        "bad parameter => {:?}",
        c.execute("SELECT $1::date", bad).await
    ));
    lines.push(describe_query(&c, "SELECT * FROM t ORDER BY id", &[]).await);
    lines.push(describe_query(&c, "INSERT INTO t VALUES (7, 'r') RETURNING *", &[]).await);
    lines.push(describe_query(&c, "DELETE FROM t", &[]).await);
    Ok(lines.join("\n"))
}

/// Calls the synchronous functions, which the SDK does not use.
pub async fn synchronous() -> Outcome {
    let address = address().await?;
    let c = wit::Connection::open(&address).map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();

    for sql in [
        "SELECT n, n::text AS t FROM generate_series(1, 2) n",
        "SELECT 1/0",
        "SELEC",
        "SELECT 'infinity'::date",
    ] {
        lines.push(format!(
            "{sql} => {:?}",
            c.query(sql, &[]).map(|set| (set.columns, set.rows))
        ));
    }

    lines.push(format!(
        "{:?}",
        c.query("SELECT 1 / (2 - n) FROM generate_series(1, 3) n", &[])
            .map(|set| set.rows)
    ));
    lines.push(format!(
        "{:?}",
        c.query("SELECT $1::date", &[ParameterValue::Date((0, 0, 0))])
            .map(|set| set.rows)
    ));
    lines.push(format!(
        "{:?}",
        c.execute("SELECT generate_series(1, 5)", &[])
    ));
    lines.push(format!(
        "{:?}",
        c.execute("SELECT $1::int2", &[ParameterValue::Uuid(String::new())])
    ));
    let built = wit::ConnectionBuilder::new(&address)
        .build()
        .map_err(|error| format!("{error:?}"))?;
    lines.push(format!(
        "{:?}",
        built.query("SELECT 5", &[]).map(|set| set.rows)
    ));
    Ok(lines.join("\n"))
}

/// Runs a query without rows by a synchronous function, which never returns on Spin 4.1.
pub async fn nothing() -> Outcome {
    let c = wit::Connection::open(&address().await?).map_err(|error| format!("{error:?}"))?;
    Ok(format!(
        "{:?}",
        c.query("SELECT 1 WHERE false", &[])
            .map(|set| (set.columns, set.rows))
    ))
}

/// Opens an address (with `+` for spaces) by every function of the SDK and by the synchronous one.
pub async fn open(address: &str) -> String {
    let address = address.replace('+', " ");
    let by_sdk = [
        Connection::open(&address).await,
        Connection::open_with_options(&address, OpenOptions::default()).await,
    ];
    let by_sdk = by_sdk.map(|opened| opened.map(drop).map_err(|error| format!("{error:?}")));
    let direct = wit::Connection::open(&address)
        .map(drop)
        .map_err(|error| format!("{error:?}"));
    let ways = by_sdk.into_iter().chain([direct]);

    ways.map(|opened| opened.err().unwrap_or("open".to_owned()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Opens an address by a synchronous builder, which on Spin 4.1 opens forbidden addresses.
pub async fn build(address: &str) -> String {
    let built = wit::ConnectionBuilder::new(&address.replace('+', " ")).build();
    built
        .err()
        .map_or("open".to_owned(), |error| format!("{error:?}"))
}

/// Opens the address in the variable, and trusts the authority whose certificate is in a file.
pub async fn open_trusting(file: &str) -> Outcome {
    let options = OpenOptions {
        ca_root: Some(Certificate::FilePath(file.to_owned())),
    };
    let c = Connection::open_with_options(address().await?, options)
        .await
        .map_err(|error| format!("{error:?}"))?;
    Ok(describe_query(
        &c,
        "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        &[],
    )
    .await)
}

/// Runs a query on the connection that this instance keeps. A lost connection is opened again by
/// the next request.
pub async fn kept() -> Outcome {
    let connection = match KEPT.with_borrow(Clone::clone) {
        Some(connection) => connection,
        None => {
            let connection = Rc::new(connect().await?);
            KEPT.set(Some(connection.clone()));
            connection
        }
    };

    let result = describe_query(
        &connection,
        "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'",
        &[],
    )
    .await;

    if result.starts_with("refused") {
        KEPT.set(None);
    }

    Ok(result)
}

/// Runs a query that takes the given number of seconds.
pub async fn sleep(seconds: &str) -> Outcome {
    let seconds = seconds.parse().map_err(|_| "not a number")?;
    let slow = "SELECT 1 FROM pg_sleep($1)";
    Ok(describe_query(
        &connect().await?,
        slow,
        &[ParameterValue::Floating64(seconds)],
    )
    .await)
}

/// Reads the given number of rows and returns their number and sum.
pub async fn stream(rows: &str) -> Outcome {
    let rows: i32 = rows.parse().map_err(|_| "not a number")?;
    let c = connect().await?;
    let sql = "SELECT n::int8, repeat('x', 100) FROM generate_series(1, $1) n";
    let mut result = c
        .query(sql, [ParameterValue::Int32(rows)])
        .await
        .map_err(|error| format!("{error:?}"))?;
    let (mut count, mut sum) = (0, 0);

    while let Some(row) = result.rows().next().await {
        if let [DbValue::Int64(number), DbValue::Str(text)] = row.as_slice() {
            (count, sum) = (count + 1, sum + number + i64::from(text.len() != 100));
        }
    }

    Ok(format!(
        "{count} rows, sum {sum}, {:?}",
        result.result().await
    ))
}

/// Reads a few of many rows, and then runs another query on the connection.
pub async fn partly() -> Outcome {
    let c = connect().await?;
    let mut result = c
        .query("SELECT generate_series(1, 100000)", NONE)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();

    for _ in 0..3 {
        lines.push(format!("{:?}", result.rows().next().await));
    }

    let (_, rows, result) = result.into_inner();
    drop(rows);
    // The outcome varies on Spin; it only has to arrive.
    let _ = result.await;
    lines.push(describe_query(&c, "SELECT 'next'", &[]).await);
    Ok(lines.join("\n"))
}

/// Runs concurrent queries on three connections, and counts the correct results.
pub async fn parallel() -> Outcome {
    let connections = [connect().await?, connect().await?, connect().await?];
    let answers = join_all((0..60).map(|n| {
        let c = &connections[n as usize % 3];
        async move {
            describe_query(c, "SELECT $1::int4", &[ParameterValue::Int32(n)])
                .await
                .contains(&format!("Int32({n})"))
        }
    }));

    Ok(answers
        .await
        .into_iter()
        .filter(|right| *right)
        .count()
        .to_string())
}

/// Checks that a closed connection is reused without its settings, and that one in use is not
/// shared.
pub async fn reuse() -> Outcome {
    let process = async |c: &Connection| {
        describe_query(
            c,
            "SELECT pg_backend_pid(), current_setting('work_mem')",
            &[],
        )
        .await
    };

    let first = connect().await?;
    let other = connect().await?;
    let fresh = process(&first).await;
    first
        .execute("SET work_mem = '123kB'", NONE)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let set = process(&first).await.contains("123kB");
    let own = process(&other).await != fresh;
    drop(first);
    let again = connect().await?;
    Ok(format!(
        "set: {set}, own: {own}, the first again and clean: {}",
        process(&again).await == fresh
    ))
}
