//! A key with its values, ready to be written.

/// A key with its values, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedKey {
    pub(crate) key: String,
    /// The Redis type: `string`, `list`, `hash` or `zset`.
    pub(crate) kind: &'static str,
    /// The values in the order that the script expects: one for a string, elements of a list,
    /// fields and values of a hash, scores and members of a sorted set.
    pub(crate) values: Vec<String>,
}

impl RenderedKey {
    pub(super) fn string(key: String, value: String) -> Self {
        Self {
            key,
            kind: "string",
            values: vec![value],
        }
    }

    pub(crate) fn is_string(&self) -> bool {
        self.kind == "string"
    }

    /// Bytes of the key and its values.
    pub(crate) fn bytes(&self) -> usize {
        self.key.len() + self.value_bytes()
    }

    /// Bytes of the values.
    pub(crate) fn value_bytes(&self) -> usize {
        self.values.iter().map(String::len).sum()
    }
}
