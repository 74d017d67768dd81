//! Values the client library has no type of its own for: ranges of decimals, intervals, NULL of any type, and bytes of
//! types that are not known.

use std::error::Error;

use bytes::{Buf as _, BufMut as _, BytesMut};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::bindings::postgres::{Interval, RangeBoundKind};

type Outcome<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// One end of a range in the interface.
pub type Bound<T> = Option<(T, RangeBoundKind)>;

/// A range in the interface's form, its ends mapped.
pub fn from_sql<T: PartialOrd + Normalizable, U>(range: &Range<T>, map: impl Fn(&T) -> U) -> (Bound<U>, Bound<U>) {
    fn bound<S: BoundSided, T, U>(bound: &RangeBound<S, T>, map: impl Fn(&T) -> U) -> (U, RangeBoundKind) {
        let kind = match bound.type_ {
            BoundType::Inclusive => RangeBoundKind::Inclusive,
            BoundType::Exclusive => RangeBoundKind::Exclusive,
        };
        (map(&bound.value), kind)
    }
    (range.lower().map(|end| bound(end, &map)), range.upper().map(|end| bound(end, &map)))
}

/// A range in the client library's form, its ends mapped.
pub fn to_sql<T, U: PartialOrd + Normalizable>(
    (lower, upper): &(Bound<T>, Bound<T>),
    map: impl Fn(&T) -> anyhow::Result<U>,
) -> anyhow::Result<Range<U>> {
    fn bound<S: BoundSided, T, U: PartialOrd>(
        end: Option<&(T, RangeBoundKind)>,
        map: impl Fn(&T) -> anyhow::Result<U>,
    ) -> anyhow::Result<Option<RangeBound<S, U>>> {
        let Some((value, kind)) = end else { return Ok(None) };
        let kind = match kind {
            RangeBoundKind::Inclusive => BoundType::Inclusive,
            RangeBoundKind::Exclusive => BoundType::Exclusive,
        };
        Ok(Some(RangeBound::new(map(value)?, kind)))
    }
    Ok(Range::new(bound(lower.as_ref(), &map)?, bound(upper.as_ref(), &map)?))
}

/// A decimal that may be the end of a range.
#[derive(Debug, PartialEq, PartialOrd)]
pub struct End(pub Decimal);

impl Normalizable for End {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl ToSql for End {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <Decimal as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for End {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Outcome<Self> {
        Decimal::from_sql(kind, raw).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        <Decimal as FromSql<'_>>::accepts(kind)
    }
}

/// An interval: on the wire microseconds, days and months, which do not add up to one number.
#[derive(Debug)]
pub struct Span(pub Interval);

impl ToSql for Span {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
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

impl<'r> FromSql<'r> for Span {
    fn from_sql(_: &Type, mut raw: &'r [u8]) -> Outcome<Self> {
        if raw.len() != 16 {
            return Err("unexpected binary format for Postgres INTERVAL".into());
        }
        Ok(Self(Interval { micros: raw.get_i64(), days: raw.get_i32(), months: raw.get_i32() }))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::INTERVAL
    }
}

/// NULL, whatever the type of what it stands for.
#[derive(Debug)]
pub struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Outcome<IsNull> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The bytes of a value of a type the interface does not know, as the server sent them.
pub struct Raw(pub Vec<u8>);

impl<'r> FromSql<'r> for Raw {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Outcome<Self> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
