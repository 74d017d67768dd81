//! What can go wrong while the catalogue is made.

/// A fault of the word lists built into the program: no input of the caller can cause one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line that does not have the form its list asks for.
    #[error("{list}, line {line}: expected {expected}")]
    BadLine {
        /// File name of the list, such as `vehicles.txt`.
        list: &'static str,
        /// Line number, from 1.
        line: usize,
        /// What the line should have been.
        expected: &'static str,
    },
    /// A list without one entry of the wanted kind.
    #[error("there is no {what} to choose from")]
    Nothing {
        /// What was looked for.
        what: &'static str,
    },
    /// The words cannot form as many different names as are wanted.
    #[error("the words are too few for another {what}")]
    TooFewNames {
        /// What was to be named.
        what: String,
    },
}
