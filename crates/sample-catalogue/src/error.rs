//! Errors of the word lists.

/// A mistake in the word lists of this crate. No input of the caller causes one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line does not have the form of its list.
    #[error("{list}, line {line}: expected {expected}")]
    BadLine {
        /// File name of the list, such as `vehicles.txt`.
        list: &'static str,
        /// Line number, from 1.
        line: usize,
        /// The form of the list.
        expected: &'static str,
    },
    /// A list has no entry of this kind.
    #[error("there is no {what} to choose from")]
    Nothing {
        /// The kind of entry.
        what: &'static str,
    },
    /// The words cannot form enough different names.
    #[error("the words are too few for another {what}")]
    TooFewNames {
        /// The kind of name.
        what: String,
    },
}
