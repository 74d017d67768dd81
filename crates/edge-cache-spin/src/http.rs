//! HTTP: requests, routes, responses, problems and deprecated paths.

pub mod alias;
pub(crate) mod call;
pub(crate) mod coalesce;
mod error_status;
mod host_response;
mod key_path;
pub(crate) mod problem;
mod repeated;
pub(crate) mod request;
mod request_body;
pub(crate) mod request_id;
pub(crate) mod response;
mod route;
pub(crate) mod serve;
mod timing;
mod trace_context;

pub use call::Call;
pub use coalesce::{SharedCheck, share_check, share_recent_check};
pub use key_path::{decode_segment, key_from_path};
pub use problem::Problem;
pub use request::Request;
pub use response::Response;
pub use route::{Method, Route};
pub use serve::{HandlerResult, serve, serve_misconfigured, serve_not_found};
