//! Parameters of a statement in the form that the client library sends.

use anyhow::{Context as _, Result, anyhow};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::bindings::postgres::ParameterValue;
use super::wire::{self, DecimalBound, IntervalValue, Null};

/// A parameter that the client library can send.
pub type Parameter = Box<dyn ToSql + Send + Sync>;

/// Converts all parameters of a statement.
///
/// # Errors
/// The first that is not a value of its type, such as a 13th month.
pub fn parameters(values: &[ParameterValue]) -> Result<Vec<Parameter>> {
    values.iter().map(parameter).collect()
}

fn parameter(value: &ParameterValue) -> Result<Parameter> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(*value),
        ParameterValue::Int8(value) => Box::new(*value),
        ParameterValue::Int16(value) => Box::new(*value),
        ParameterValue::Int32(value) => Box::new(*value),
        ParameterValue::Int64(value) => Box::new(*value),
        ParameterValue::Floating32(value) => Box::new(*value),
        ParameterValue::Floating64(value) => Box::new(*value),
        ParameterValue::Str(value) => Box::new(value.clone()),
        ParameterValue::Binary(value) => Box::new(value.clone()),
        ParameterValue::Date((y, m, d)) => Box::new(date(*y, *m, *d)?),
        ParameterValue::Time((h, m, s, ns)) => Box::new(time(*h, *m, *s, *ns)?),
        ParameterValue::Datetime((y, mo, d, h, m, s, ns)) => {
            Box::new(date(*y, *mo, *d)?.and_time(time(*h, *m, *s, *ns)?))
        }
        ParameterValue::Timestamp(value) => Box::new(timestamp(*value)?),
        ParameterValue::Uuid(value) => {
            Box::new(Uuid::parse_str(value).with_context(|| format!("invalid UUID {value}"))?)
        }
        ParameterValue::Jsonb(value) => Box::new(json(value)?),
        ParameterValue::Decimal(value) => Box::new(decimal(value)?),
        ParameterValue::RangeInt32(range) => Box::new(wire::range_to_sql(range, |end| Ok(*end))?),
        ParameterValue::RangeInt64(range) => Box::new(wire::range_to_sql(range, |end| Ok(*end))?),
        ParameterValue::RangeDecimal(range) => Box::new(wire::range_to_sql(range, |end| {
            decimal(end).map(DecimalBound)
        })?),
        ParameterValue::ArrayInt32(values) => Box::new(values.clone()),
        ParameterValue::ArrayInt64(values) => Box::new(values.clone()),
        ParameterValue::ArrayDecimal(values) => Box::new(decimals(values)?),
        ParameterValue::ArrayStr(values) => Box::new(values.clone()),
        ParameterValue::Interval(value) => Box::new(IntervalValue(*value)),
        ParameterValue::DbNull => Box::new(Null),
    })
}

fn date(year: i32, month: u8, day: u8) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| anyhow!("invalid date y={year}, m={month}, d={day}"))
}

fn time(hour: u8, minute: u8, second: u8, nanosecond: u32) -> Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
        .ok_or_else(|| anyhow!("invalid time {hour}:{minute}:{second}:{nanosecond}"))
}

fn timestamp(seconds: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| anyhow!("invalid epoch timestamp {seconds}"))
}

fn json(text: &[u8]) -> Result<serde_json::Value> {
    serde_json::from_slice(text)
        .with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(text)))
}

fn decimal(text: &str) -> Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}

fn decimals(texts: &[Option<String>]) -> Result<Vec<Option<Decimal>>> {
    texts
        .iter()
        .map(|text| text.as_deref().map(decimal).transpose())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_value_is_named_in_the_error() {
        for (value, expected) in [
            (
                ParameterValue::Date((2026, 13, 1)),
                "invalid date y=2026, m=13, d=1",
            ),
            (ParameterValue::Time((24, 0, 0, 0)), "invalid time 24:0:0:0"),
            (
                ParameterValue::Datetime((2026, 2, 29, 0, 0, 0, 0)),
                "invalid date y=2026, m=2, d=29",
            ),
            (
                ParameterValue::Timestamp(i64::MAX),
                "invalid epoch timestamp 9223372036854775807",
            ),
            (ParameterValue::Uuid("x".to_owned()), "invalid UUID x"),
            (ParameterValue::Jsonb(b"{".to_vec()), "invalid JSON {"),
            (
                ParameterValue::Decimal("1,5".to_owned()),
                "invalid decimal 1,5",
            ),
            (
                ParameterValue::ArrayDecimal(vec![None, Some("x".to_owned())]),
                "invalid decimal x",
            ),
        ] {
            let error = parameter(&value).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
