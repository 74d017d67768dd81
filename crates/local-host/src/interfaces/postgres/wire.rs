//! Values for which the client library has no type: ranges of decimals, intervals, NULL of any
//! type, and the bytes of unknown types.

use std::error::Error;

use bytes::{Buf as _, BufMut as _, BytesMut};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::bindings::postgres::{Interval, RangeBoundKind};

type CodecResult<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// Length of an interval on the wire.
const INTERVAL_BYTES: usize = 16;

/// A bound of a range in the interface.
pub type Bound<T> = Option<(T, RangeBoundKind)>;

/// Converts a range to the form of the interface; `map` converts its bounds.
pub fn range_from_sql<T: PartialOrd + Normalizable, U>(
    range: &Range<T>,
    map: impl Fn(&T) -> U,
) -> (Bound<U>, Bound<U>) {
    fn bound<S: BoundSided, T, U>(
        bound: &RangeBound<S, T>,
        map: impl Fn(&T) -> U,
    ) -> (U, RangeBoundKind) {
        let kind = match bound.type_ {
            BoundType::Inclusive => RangeBoundKind::Inclusive,
            BoundType::Exclusive => RangeBoundKind::Exclusive,
        };
        (map(&bound.value), kind)
    }

    (
        range.lower().map(|lower| bound(lower, &map)),
        range.upper().map(|upper| bound(upper, &map)),
    )
}

/// Converts a range to the form of the client library; `map` converts its bounds.
pub fn range_to_sql<T, U: PartialOrd + Normalizable>(
    (lower, upper): &(Bound<T>, Bound<T>),
    map: impl Fn(&T) -> anyhow::Result<U>,
) -> anyhow::Result<Range<U>> {
    fn bound<S: BoundSided, T, U: PartialOrd>(
        bound: Option<&(T, RangeBoundKind)>,
        map: impl Fn(&T) -> anyhow::Result<U>,
    ) -> anyhow::Result<Option<RangeBound<S, U>>> {
        let Some((value, kind)) = bound else {
            return Ok(None);
        };
        let kind = match kind {
            RangeBoundKind::Inclusive => BoundType::Inclusive,
            RangeBoundKind::Exclusive => BoundType::Exclusive,
        };
        Ok(Some(RangeBound::new(map(value)?, kind)))
    }

    Ok(Range::new(
        bound(lower.as_ref(), &map)?,
        bound(upper.as_ref(), &map)?,
    ))
}

/// A decimal that can bound a range.
#[derive(Debug, PartialEq, PartialOrd)]
pub struct DecimalBound(pub Decimal);

impl Normalizable for DecimalBound {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl ToSql for DecimalBound {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> CodecResult<IsNull> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <Decimal as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for DecimalBound {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> CodecResult<Self> {
        Decimal::from_sql(kind, raw).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        <Decimal as FromSql<'_>>::accepts(kind)
    }
}

/// An interval: microseconds, days and months, which do not add up to one number.
#[derive(Debug)]
pub struct IntervalValue(pub Interval);

impl ToSql for IntervalValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> CodecResult<IsNull> {
        out.put_i64(self.0.micros);
        out.put_i32(self.0.days);
        out.put_i32(self.0.months);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INTERVAL
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for IntervalValue {
    fn from_sql(_: &Type, mut raw: &'r [u8]) -> CodecResult<Self> {
        if raw.len() != INTERVAL_BYTES {
            return Err("unexpected binary format for Postgres INTERVAL".into());
        }
        Ok(Self(Interval {
            micros: raw.get_i64(),
            days: raw.get_i32(),
            months: raw.get_i32(),
        }))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INTERVAL
    }
}

/// NULL of any type.
#[derive(Debug)]
pub struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> CodecResult<IsNull> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The bytes that the server sent for a value of an unknown type.
pub struct RawBytes(pub Vec<u8>);

impl<'r> FromSql<'r> for RawBytes {
    fn from_sql(_: &Type, raw: &'r [u8]) -> CodecResult<Self> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
