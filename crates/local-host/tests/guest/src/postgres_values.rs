//! Values and parameters of every type of `spin:postgres`.

use spin_sdk::pg::{Interval, ParameterValue, RangeBoundKind};

use crate::Outcome;
use crate::postgres::{connect, describe_query};

/// Queries for each type and its special values.
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
        lines.push(format!(
            "{values} => {}",
            describe_query(&c, &format!("SELECT {values}"), &[]).await
        ));
    }
    Ok(lines.join("\n"))
}

/// Parameters of every type, each with the SQL type it is sent as.
fn typed_parameters() -> Vec<(&'static str, ParameterValue)> {
    let bound = |text: &str, kind| Some((text.to_owned(), kind));
    let (open, closed) = (RangeBoundKind::Exclusive, RangeBoundKind::Inclusive);
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| Some((*text).to_owned()))
            .chain([None])
            .collect()
    };

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
        (
            "timestamp",
            ParameterValue::Datetime((2026, 11, 22, 1, 2, 3, 4_000)),
        ),
        ("timestamptz", ParameterValue::Timestamp(1_000_000_000)),
        (
            "uuid",
            ParameterValue::Uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".to_owned()),
        ),
        (
            "jsonb",
            ParameterValue::Jsonb(br#"{"a":[1,2.50]}"#.to_vec()),
        ),
        ("json", ParameterValue::Jsonb(br#"{"a":1}"#.to_vec())),
        ("numeric", ParameterValue::Decimal("-12.50".to_owned())),
        (
            "int4range",
            ParameterValue::RangeInt32((Some((1, closed)), Some((5, open)))),
        ),
        (
            "int8range",
            ParameterValue::RangeInt64((None, Some((5, closed)))),
        ),
        (
            "numrange",
            ParameterValue::RangeDecimal((bound("1.50", open), None)),
        ),
        ("int4[]", ParameterValue::ArrayInt32(vec![Some(1), None])),
        ("int8[]", ParameterValue::ArrayInt64(vec![])),
        ("numeric[]", ParameterValue::ArrayDecimal(texts(&["1.5"]))),
        ("text[]", ParameterValue::ArrayStr(texts(&["a", ""]))),
        (
            "interval",
            ParameterValue::Interval(Interval {
                micros: -1,
                days: 2,
                months: 3,
            }),
        ),
        ("text", ParameterValue::DbNull),
        ("int4[]", ParameterValue::DbNull),
        // Invalid parameters.
        ("int4", ParameterValue::Int64(1)),
        ("int4", ParameterValue::Str("1".to_owned())),
        (
            "timestamptz",
            ParameterValue::Datetime((2026, 11, 22, 1, 2, 3, 0)),
        ),
        ("timestamp", ParameterValue::Timestamp(1)),
        ("text", ParameterValue::Str("a\0b".to_owned())),
        ("date", ParameterValue::Date((2026, 2, 30))),
        ("time", ParameterValue::Time((25, 0, 0, 0))),
        ("uuid", ParameterValue::Uuid("x".to_owned())),
        ("jsonb", ParameterValue::Jsonb(b"{".to_vec())),
        ("numeric", ParameterValue::Decimal("1,5".to_owned())),
        (
            "numrange",
            ParameterValue::RangeDecimal((bound("x", open), None)),
        ),
    ]
}

pub async fn parameters() -> Outcome {
    let c = connect().await?;
    let mut lines = Vec::new();
    for (kind, value) in typed_parameters() {
        let name = format!("{value:?}");
        lines.push(format!(
            "{kind} {name} => {}",
            describe_query(&c, &format!("SELECT $1::{kind}"), &[value]).await
        ));
    }

    let two = [ParameterValue::Int32(1), ParameterValue::Int32(2)];
    lines.push(format!(
        "one too many => {}",
        describe_query(&c, "SELECT $1::int4", &two).await
    ));
    lines.push(format!(
        "one too few => {}",
        describe_query(&c, "SELECT $1::int4 + $2::int4", &two[..1]).await
    ));
    Ok(lines.join("\n"))
}
