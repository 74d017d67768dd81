//! The interfaces of Spin this host implements, one file each: its definition, and what its functions do.

pub mod key_value;
pub mod postgres;
pub mod redis;
pub mod sqlite;
mod streams;
pub mod variables;

use wasmtime::component::{HasSelf, Linker};

use crate::guest::Guest;

/// The largest reply a component is given, as in Spin.
pub const MAX_REPLY_BYTES: usize = 128 << 20;

/// The text of Spin's refusal of a larger one.
pub fn too_large() -> String {
    format!("query result exceeds limit of {MAX_REPLY_BYTES} bytes")
}

/// Makes WASI 0.2 and 0.3 and every interface of this module available to components.
///
/// # Errors
/// Two definitions of one function, which would be a mistake in this file.
pub fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    redis::bindings::redis::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    variables::bindings::spin::variables::variables::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    variables::bindings::fermyon::spin::variables::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    key_value::bindings::key_value::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    sqlite::bindings::sqlite::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    postgres::bindings::postgres::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}
