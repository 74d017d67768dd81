//! Values and columns of a row, as the interface has them.

use anyhow::Result;
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use postgres_range::Range;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::bindings::postgres::{Column, DbDataType, DbValue};
use super::wire::{self, End, Raw, Span};

/// The columns of a row.
pub fn columns(row: &Row) -> Vec<Column> {
    let columns = row.columns().iter();
    columns.map(|column| Column { name: column.name().to_owned(), data_type: data_type(column.type_()) }).collect()
}

/// The values of a row, in the order of its columns.
///
/// # Errors
/// A value the interface has no room for, such as an infinite date.
pub fn values(row: &Row) -> Result<Vec<DbValue>> {
    (0..row.len()).map(|at| value(row, at)).collect()
}

/// The bytes a value takes, roughly.
pub fn size(value: &DbValue) -> usize {
    let texts = |texts: &Vec<Option<String>>| {
        texts.iter().map(|text| size_of::<Option<String>>() + text.as_ref().map_or(0, String::len)).sum()
    };
    let payload = match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(numbers) => numbers.len() * size_of::<Option<i32>>(),
        DbValue::ArrayInt64(numbers) => numbers.len() * size_of::<Option<i64>>(),
        DbValue::ArrayDecimal(list) | DbValue::ArrayStr(list) => texts(list),
        DbValue::RangeDecimal((lower, upper)) => {
            [lower, upper].into_iter().flatten().map(|(number, _)| number.len()).sum()
        }
        _ => 0,
    };
    size_of::<DbValue>() + payload
}

fn data_type(of: &Type) -> DbDataType {
    match *of {
        Type::BOOL => DbDataType::Boolean,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::BYTEA => DbDataType::Binary,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(of.name().to_owned()),
    }
}

fn value(row: &Row, at: usize) -> Result<DbValue> {
    match *row.columns()[at].type_() {
        Type::BOOL => get(row, at, DbValue::Boolean),
        Type::INT2 => get(row, at, DbValue::Int16),
        Type::INT4 => get(row, at, DbValue::Int32),
        Type::INT8 => get(row, at, DbValue::Int64),
        Type::FLOAT4 => get(row, at, DbValue::Floating32),
        Type::FLOAT8 => get(row, at, DbValue::Floating64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => get(row, at, DbValue::Str),
        Type::BYTEA => get(row, at, DbValue::Binary),
        Type::DATE => get(row, at, |value| DbValue::Date(date(value))),
        Type::TIME => get(row, at, |value| DbValue::Time(time(value))),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => get(row, at, |value: NaiveDateTime| {
            let ((y, mo, d), (h, m, s, ns)) = (date(value.date()), time(value.time()));
            DbValue::Datetime((y, mo, d, h, m, s, ns))
        }),
        Type::UUID => get(row, at, |value: Uuid| DbValue::Uuid(value.to_string())),
        Type::JSONB => get(row, at, |value: serde_json::Value| DbValue::Jsonb(value.to_string().into_bytes())),
        Type::NUMERIC => get(row, at, |value: Decimal| DbValue::Decimal(value.to_string())),
        Type::INT4_RANGE => get(row, at, |range| DbValue::RangeInt32(wire::from_sql(&range, |end: &i32| *end))),
        Type::INT8_RANGE => get(row, at, |range| DbValue::RangeInt64(wire::from_sql(&range, |end: &i64| *end))),
        Type::NUM_RANGE => get(row, at, |range: Range<End>| {
            DbValue::RangeDecimal(wire::from_sql(&range, |End(number)| number.to_string()))
        }),
        Type::INT4_ARRAY => get(row, at, DbValue::ArrayInt32),
        Type::INT8_ARRAY => get(row, at, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => get(row, at, |numbers: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(numbers.into_iter().map(|number| number.map(|number| number.to_string())).collect())
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => get(row, at, DbValue::ArrayStr),
        Type::INTERVAL => get(row, at, |Span(value)| DbValue::Interval(value)),
        _ => get(row, at, |Raw(bytes)| DbValue::Unsupported(bytes)),
    }
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, at: usize, make: impl FnOnce(T) -> DbValue) -> Result<DbValue> {
    Ok(row.try_get::<_, Option<T>>(at)?.map_or(DbValue::DbNull, make))
}

/// Month and day are at most 31: nothing is lost.
fn date(date: NaiveDate) -> (i32, u8, u8) {
    (date.year(), date.month() as u8, date.day() as u8)
}

fn time(time: NaiveTime) -> (u8, u8, u8, u32) {
    (time.hour() as u8, time.minute() as u8, time.second() as u8, time.nanosecond())
}
