//! Sources of a warmup: rows from a database, and rows from the JSON of a web server.

mod entry;
mod json;
mod loaded;
mod reader;
mod rows;

pub(crate) use loaded::{Loaded, LoadedEntry};
pub use reader::Source;
pub use rows::Rows;
