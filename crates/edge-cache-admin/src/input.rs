//! Fields and parameters of requests. Every error names the field it is about.
//!
//! A field that is unknown, given twice or null is rejected: a misspelt or empty `pattern` must not
//! become a request without one, and of two values for `dryRun` neither may win.

mod fields;
mod json;
pub mod key;
mod parameters;

pub use fields::{Fields, read_string, read_tag};
pub use parameters::Parameters;
