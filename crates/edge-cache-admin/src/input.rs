//! Fields and parameters of requests, and tables of files. Every error names the field it is about,
//! or its place in the file.
//!
//! A field that is unknown, given twice or null is rejected: a misspelt or empty `pattern` must not
//! become a request without one, and of two values for `dryRun` neither may win.

mod fields;
mod file_error;
mod json;
pub mod key;
mod parameters;
mod removed_name;
pub(crate) mod time;
mod toml_file;

pub use fields::{Fields, read_string, read_tag};
pub use file_error::{FileError, FilePlace};
pub use parameters::Parameters;
pub use removed_name::read_removed_name;
pub use toml_file::{Day, TomlFile, TomlTable};
