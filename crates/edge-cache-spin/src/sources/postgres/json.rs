//! Values of PostgreSQL as JSON: like SQLite's for the same data, and like PostgreSQL's own
//! `to_json` for types that SQLite does not have.
//!
//! | PostgreSQL | JSON |
//! | --- | --- |
//! | smallint, integer, bigint | a whole number |
//! | real, double precision | a number; `NaN` and infinities as text |
//! | numeric | a number if 64 bits hold it without loss, `2.00` as `2`; else its digits as text |
//! | text, varchar, char, enum, citext, name, uuid | text |
//! | boolean | `true`, `false` |
//! | date, time | `2026-11-22`, `01:02:03.5` |
//! | timestamp | `2026-11-22T01:02:03.5` (a timestamptz cannot be read: cast it) |
//! | interval | ISO 8601: `P1Y2M3DT4H5M6.7S` |
//! | json, jsonb | itself |
//! | bytea | its text, as a SQLite blob's |
//! | arrays of integer, bigint, numeric, text | an array |
//! | ranges of integer, bigint, numeric | text: `[1,5)` |
//! | NULL | `null` |
//!
//! A column of any other type is refused with its name. `CAST(column AS text)` in the query makes
//! it text.

use serde_json::Value;
use spin_sdk::pg::{Column, DbDataType, DbValue, Interval, RangeBoundKind};

/// Types that neither the interface nor this module supports and whose bytes are not text.
const BINARY_TYPES: [&str; 26] = [
    "oid", "xid", "xid8", "cid", "tid", "regclass", "regproc", "regtype", "money", "timetz", "bit",
    "varbit", "inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path",
    "polygon", "circle", "tsvector", "tsquery", "pg_lsn",
];

/// Converts one value of a row.
///
/// # Errors
/// A message with the column's name, if its type has no JSON form.
pub(crate) fn from_cell(cell: DbValue, column: &Column) -> Result<Value, String> {
    Ok(match cell {
        DbValue::DbNull => Value::Null,
        DbValue::Boolean(flag) => flag.into(),
        DbValue::Int8(number) => number.into(),
        DbValue::Int16(number) => number.into(),
        DbValue::Int32(number) => number.into(),
        DbValue::Int64(number) | DbValue::Timestamp(number) => number.into(),
        DbValue::Floating32(number) => float(number.into(), &number.to_string()),
        DbValue::Floating64(number) => float(number, &number.to_string()),
        DbValue::Str(text) | DbValue::Uuid(text) => text.into(),
        DbValue::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        DbValue::Decimal(digits) => decimal(digits),
        DbValue::Date((year, month, day)) => date(year, month, day).into(),
        DbValue::Time((hour, minute, second, nanos)) => time(hour, minute, second, nanos).into(),
        DbValue::Datetime((year, month, day, hour, minute, second, nanos)) => {
            let date = date(year, month, day);
            let time = time(hour, minute, second, nanos);
            format!("{date}T{time}").into()
        }
        DbValue::Interval(interval) => iso_interval(interval).into(),
        DbValue::Jsonb(text) => parse_json(&text, column)?,
        DbValue::ArrayInt32(list) => list.into(),
        DbValue::ArrayInt64(list) => list.into(),
        DbValue::ArrayStr(list) => list.into(),
        DbValue::ArrayDecimal(list) => list
            .into_iter()
            .map(|item| item.map_or(Value::Null, decimal))
            .collect(),
        DbValue::RangeInt32((lower, upper)) => range(lower, upper).into(),
        DbValue::RangeInt64((lower, upper)) => range(lower, upper).into(),
        DbValue::RangeDecimal((lower, upper)) => range(lower, upper).into(),
        DbValue::Unsupported(bytes) => undecoded(bytes, column)?,
    })
}

/// The number with the fewest digits that round to it, as `to_json` writes it.
fn float(number: f64, digits: &str) -> Value {
    match number {
        number if number.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number => digits
            .parse()
            .map_or(number, |shortest: f64| shortest)
            .into(),
    }
}

fn decimal(digits: String) -> Value {
    let shortest = match digits.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => digits.clone(),
    };

    if let Ok(whole) = shortest.parse::<i64>() {
        return whole.into();
    }

    match shortest.parse::<f64>() {
        Ok(number) if number.to_string() == shortest => number.into(),
        _ => digits.into(),
    }
}

/// A date; years before 1 as PostgreSQL writes them.
fn date(year: i32, month: u8, day: u8) -> String {
    match year {
        1.. => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{:04}-{month:02}-{day:02} BC", 1 - i64::from(year)),
    }
}

fn time(hour: u8, minute: u8, second: u8, nanos: u32) -> String {
    format!(
        "{hour:02}:{minute:02}:{second:02}{}",
        fraction(nanos.into(), 9)
    )
}

/// Decimals of a second; empty if they are zero.
fn fraction(part: u64, digits: usize) -> String {
    let text = format!("{part:0digits$}");
    match text.trim_end_matches('0') {
        "" => String::new(),
        text => format!(".{text}"),
    }
}

fn iso_interval(interval: Interval) -> String {
    let Interval {
        micros,
        days,
        months,
    } = interval;

    let part = |amount: i64, unit: &str| {
        if amount == 0 {
            String::new()
        } else {
            format!("{amount}{unit}")
        }
    };
    let date = [
        part(i64::from(months / 12), "Y"),
        part(i64::from(months % 12), "M"),
        part(i64::from(days), "D"),
    ]
    .concat();

    let seconds = micros / 1_000_000;
    let rest = micros % 1_000_000;
    let mut time = part(seconds / 3600, "H") + &part(seconds / 60 % 60, "M");
    if seconds % 60 != 0 || rest != 0 {
        let sign = if micros < 0 { "-" } else { "" };
        time += &format!(
            "{sign}{}{}S",
            (seconds % 60).abs(),
            fraction(rest.unsigned_abs(), 6)
        );
    }

    match (date.as_str(), time.as_str()) {
        ("", "") => "PT0S".to_owned(),
        (_, "") => format!("P{date}"),
        _ => format!("P{date}T{time}"),
    }
}

fn range<T: ToString>(
    lower: Option<(T, RangeBoundKind)>,
    upper: Option<(T, RangeBoundKind)>,
) -> String {
    let end = |bound: Option<(T, RangeBoundKind)>, open, closed| match bound {
        Some((end, RangeBoundKind::Inclusive)) => (end.to_string(), closed),
        Some((end, RangeBoundKind::Exclusive)) => (end.to_string(), open),
        None => (String::new(), open),
    };
    let ((from, left), (to, right)) = (end(lower, "(", "["), end(upper, ")", "]"));
    format!("{left}{from},{to}{right}")
}

fn parse_json(text: &[u8], column: &Column) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| {
        format!(
            "column `{}` holds JSON that cannot be read: {error}",
            column.name
        )
    })
}

/// Converts a value that the interface passes on undecoded: text, for types whose bytes are text.
fn undecoded(bytes: Vec<u8>, column: &Column) -> Result<Value, String> {
    let name = if let DbDataType::Other(name) = &column.data_type {
        name.as_str()
    } else {
        ""
    };
    if name == "json" {
        return parse_json(&bytes, column);
    }

    let is_array = name.starts_with('_');
    let is_range = name.ends_with("range");
    let is_text = !BINARY_TYPES.contains(&name) && !is_array && !is_range;
    let text = String::from_utf8(bytes).ok().filter(|_| is_text);
    text.map(Value::from).ok_or_else(|| {
        format!(
            "column `{0}` has the type `{name}`, which has no JSON form here: CAST({0} AS text) in the query",
            column.name
        )
    })
}

#[cfg(test)]
mod tests;
