//! The HTTP trigger: a server that gives each request to the component whose route matches its path.

mod entrance;
mod headers;
mod listening;
mod pool;
mod problem;
mod server;

pub use listening::Listening;
pub use pool::Reuse;
pub use server::Server;

/// The body of a request that has none.
pub fn no_body() -> wasmtime_wasi_http::WasiBody {
    problem::body("")
}
