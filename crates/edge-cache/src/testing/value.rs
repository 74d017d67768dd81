//! Values of keys: strings, lists, sets, hashes, sorted sets and streams.

use std::collections::{HashMap, VecDeque};

use super::ordered::Ordered;
use super::stream::Stream;

/// A list.
pub(super) type List = VecDeque<Vec<u8>>;
/// A set.
pub(super) type Set = Ordered<()>;
/// A hash: values by field.
pub(super) type Hash = Ordered<Vec<u8>>;

/// A sorted set: scores by member.
#[derive(Debug, Clone, Default)]
pub(super) struct SortedSet(pub(super) HashMap<Vec<u8>, f64>);

/// The value of a key.
#[derive(Debug, Clone)]
pub(super) enum Value {
    String(Vec<u8>),
    List(List),
    Set(Set),
    Hash(Hash),
    SortedSet(SortedSet),
    Stream(Stream),
}

/// A type of value.
pub(super) trait Kind: Default {
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    fn into_value(self) -> Value;
}

macro_rules! kind {
    ($kind:ty, $variant:ident) => {
        impl Kind for $kind {
            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        }
    };
}

kind!(Vec<u8>, String);
kind!(List, List);
kind!(Set, Set);
kind!(Hash, Hash);
kind!(SortedSet, SortedSet);
kind!(Stream, Stream);

impl SortedSet {
    /// The members by score, then by name.
    pub(super) fn sorted(&self) -> Vec<(&[u8], f64)> {
        let members = self.0.iter();
        let mut sorted: Vec<_> = members
            .map(|(name, score)| (name.as_slice(), *score))
            .collect();
        sorted.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(other.0)));
        sorted
    }
}

impl Value {
    /// The type, as `TYPE` names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::SortedSet(_) => "zset",
            Self::Stream(_) => "stream",
        }
    }

    /// The encoding, as `OBJECT ENCODING` names that of a value of this type and size.
    pub(super) fn encoding(&self) -> &'static str {
        let compact = |is_compact, compact, other| if is_compact { compact } else { other };
        match self {
            Self::String(text) if parse_integer(text).is_some() => "int",
            Self::String(text) => compact(text.len() <= 44, "embstr", "raw"),
            Self::List(_) => compact(self.payload() <= 8192, "listpack", "quicklist"),
            Self::Set(set) => compact(set.len() <= 128, "listpack", "hashtable"),
            Self::Hash(hash) => compact(hash.len() <= 128, "listpack", "hashtable"),
            Self::SortedSet(set) => compact(set.0.len() <= 128, "listpack", "skiplist"),
            Self::Stream(_) => "stream",
        }
    }

    /// Bytes of the elements.
    pub(super) fn payload(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::List(list) => list.iter().map(|element| element.len() + 8).sum(),
            Self::Set(set) => set.iter().map(|(member, ())| member.len() + 8).sum(),
            Self::Hash(hash) => {
                let fields = hash.iter();
                fields
                    .map(|(field, value)| field.len() + value.len() + 16)
                    .sum()
            }
            Self::SortedSet(set) => set.0.keys().map(|member| member.len() + 24).sum(),
            Self::Stream(stream) => stream.payload(),
        }
    }

    /// Returns whether a key with this value does not exist any more: a collection without elements.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::String(_) | Self::Stream(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
            Self::SortedSet(set) => set.0.is_empty(),
        }
    }
}

/// Reads an integer in the one form that Redis writes.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
