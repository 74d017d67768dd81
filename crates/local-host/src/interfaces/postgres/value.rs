//! The columns and values of a row in the form of the interface.

use anyhow::Result;
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use postgres_range::Range;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::bindings::postgres::{Column, DbDataType, DbValue};
use super::wire::{DecimalBound, IntervalValue, RawBytes, range_from_sql};

/// Returns the columns of a row.
pub fn columns(row: &Row) -> Vec<Column> {
    row.columns()
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            data_type: data_type(column.type_()),
        })
        .collect()
}

/// Returns the values of a row, in the order of its columns.
///
/// # Errors
/// A value that the interface cannot express, such as an infinite date.
pub fn values(row: &Row) -> Result<Vec<DbValue>> {
    (0..row.len()).map(|column| value(row, column)).collect()
}

/// Approximate memory of a value.
pub fn byte_size(value: &DbValue) -> usize {
    let text_bytes = |texts: &Vec<Option<String>>| {
        texts
            .iter()
            .map(|text| size_of::<Option<String>>() + text.as_ref().map_or(0, String::len))
            .sum()
    };

    let payload = match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(numbers) => numbers.len() * size_of::<Option<i32>>(),
        DbValue::ArrayInt64(numbers) => numbers.len() * size_of::<Option<i64>>(),
        DbValue::ArrayDecimal(list) | DbValue::ArrayStr(list) => text_bytes(list),
        DbValue::RangeDecimal((lower, upper)) => [lower, upper]
            .into_iter()
            .flatten()
            .map(|(number, _)| number.len())
            .sum(),
        _ => 0,
    };

    size_of::<DbValue>() + payload
}

fn data_type(sql_type: &Type) -> DbDataType {
    match *sql_type {
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
        _ => DbDataType::Other(sql_type.name().to_owned()),
    }
}

fn value(row: &Row, column: usize) -> Result<DbValue> {
    let cell = Cell { row, column };

    match *row.columns()[column].type_() {
        Type::BOOL => cell.map(DbValue::Boolean),
        Type::INT2 => cell.map(DbValue::Int16),
        Type::INT4 => cell.map(DbValue::Int32),
        Type::INT8 => cell.map(DbValue::Int64),
        Type::FLOAT4 => cell.map(DbValue::Floating32),
        Type::FLOAT8 => cell.map(DbValue::Floating64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => cell.map(DbValue::Str),
        Type::BYTEA => cell.map(DbValue::Binary),
        Type::DATE => cell.map(|value| DbValue::Date(date(value))),
        Type::TIME => cell.map(|value| DbValue::Time(time(value))),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => cell.map(datetime),
        Type::UUID => cell.map(uuid),
        Type::JSONB => cell.map(json),
        Type::NUMERIC => cell.map(decimal),
        Type::INT4_RANGE => cell.map(int32_range),
        Type::INT8_RANGE => cell.map(int64_range),
        Type::NUM_RANGE => cell.map(decimal_range),
        Type::INT4_ARRAY => cell.map(DbValue::ArrayInt32),
        Type::INT8_ARRAY => cell.map(DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => cell.map(decimal_array),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => cell.map(DbValue::ArrayStr),
        Type::INTERVAL => cell.map(|IntervalValue(value)| DbValue::Interval(value)),
        _ => cell.map(|RawBytes(bytes)| DbValue::Unsupported(bytes)),
    }
}

/// One value of a row.
struct Cell<'r> {
    row: &'r Row,
    column: usize,
}

impl<'r> Cell<'r> {
    /// Converts the value with `convert`, except NULL.
    fn map<T: FromSql<'r>>(&self, convert: impl FnOnce(T) -> DbValue) -> Result<DbValue> {
        let value = self.row.try_get::<_, Option<T>>(self.column)?;
        Ok(value.map_or(DbValue::DbNull, convert))
    }
}

/// Converts a date. Month and day are at most 31, so the casts lose nothing.
fn date(date: NaiveDate) -> (i32, u8, u8) {
    (date.year(), date.month() as u8, date.day() as u8)
}

/// Converts a time. Hour, minute and second are below 60, so the casts lose nothing.
fn time(time: NaiveTime) -> (u8, u8, u8, u32) {
    let hour = time.hour() as u8;
    let minute = time.minute() as u8;
    let second = time.second() as u8;
    (hour, minute, second, time.nanosecond())
}

fn datetime(value: NaiveDateTime) -> DbValue {
    let (year, month, day) = date(value.date());
    let (hour, minute, second, nanosecond) = time(value.time());
    DbValue::Datetime((year, month, day, hour, minute, second, nanosecond))
}

fn uuid(value: Uuid) -> DbValue {
    DbValue::Uuid(value.to_string())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the table of converters passes a value"
)]
fn json(value: serde_json::Value) -> DbValue {
    DbValue::Jsonb(value.to_string().into_bytes())
}

fn decimal(value: Decimal) -> DbValue {
    DbValue::Decimal(value.to_string())
}

fn decimal_array(values: Vec<Option<Decimal>>) -> DbValue {
    let texts = values
        .into_iter()
        .map(|value| value.map(|number| number.to_string()));
    DbValue::ArrayDecimal(texts.collect())
}

fn int32_range(range: Range<i32>) -> DbValue {
    DbValue::RangeInt32(range_from_sql(&range, |bound| *bound))
}

fn int64_range(range: Range<i64>) -> DbValue {
    DbValue::RangeInt64(range_from_sql(&range, |bound| *bound))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the table of converters passes a value"
)]
fn decimal_range(range: Range<DecimalBound>) -> DbValue {
    let text = |DecimalBound(number): &DecimalBound| number.to_string();
    DbValue::RangeDecimal(range_from_sql(&range, text))
}
