//! Editing one value: a string, or one field of a hash. It is replaced if it is still the one that the caller
//! has read, and the former value is kept for 15 minutes, so that the edit can be undone.
//!
//! ```text
//! GET /keys/config:shop               "hash": "2fd4..."
//! PUT /keys/config:shop               "if": "2fd4..."      200, with the new hash and an operationId
//! PUT /keys/config:shop               "if": "2fd4..."      409, with the new hash
//! POST /operations/{operationId}/undo                      200, unless the value has changed since
//! ```

mod report;
mod request;
mod run;
mod undo;

pub use report::EditReport;
pub use request::EditKeyRequest;
pub use undo::UndoRequest;
