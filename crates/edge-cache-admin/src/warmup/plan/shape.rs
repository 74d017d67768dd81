//! Shapes of plan entries.

use serde::Serialize;

/// The form of values made of rows. Rows whose keys are equal form one value, except for `row`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryShape {
    /// All rows as one JSON list of objects.
    Document,
    /// Each row as a JSON object under its own key.
    Row,
    /// The first column of the first row, as JSON.
    Scalar,
    /// The first column of every row, as elements of a list.
    List,
    /// The first two columns as fields and values of a hash.
    Hash,
    /// The first two columns as members and scores of a sorted set.
    Zset,
}

impl EntryShape {
    /// The problem of a shape that does not exist.
    pub(super) const EXPECTED: &'static str =
        "`shape` must be document, row, scalar, list, hash or zset";

    /// The shape of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "document" => Some(Self::Document),
            "row" => Some(Self::Row),
            "scalar" => Some(Self::Scalar),
            "list" => Some(Self::List),
            "hash" => Some(Self::Hash),
            "zset" => Some(Self::Zset),
            _ => None,
        }
    }

    /// Columns that the shape needs at least.
    pub(crate) fn min_columns(self) -> usize {
        match self {
            Self::Hash | Self::Zset => 2,
            Self::Document | Self::Row | Self::Scalar | Self::List => 1,
        }
    }

    /// True if the order of the columns decides their meaning.
    pub(crate) fn needs_column_order(self) -> bool {
        matches!(self, Self::Scalar | Self::List | Self::Hash | Self::Zset)
    }
}
