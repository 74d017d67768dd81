//! The HTTP trigger: a server that passes each request to the component whose route matches its
//! path.

mod activity;
mod connections;
mod headers;
mod instance_queue;
mod limits;
mod listening;
mod pace;
mod pool;
mod problem;
mod server;
mod stream;
mod transfer;
mod unread;

pub use limits::Limits;
pub use listening::Listening;
pub use pool::Reuse;
pub use problem::body;
pub use server::Server;
