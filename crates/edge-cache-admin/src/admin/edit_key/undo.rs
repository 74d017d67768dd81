//! Undoing an edit: the former value is kept under the id of the operation, and put back if nobody has changed
//! the value since.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use edge_cache::keyspace::edit::EditableValue;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::{KeyName, RedisError};
use serde::{Deserialize, Serialize};

use super::report::UNDO_TIME;
use super::request::EditKeyRequest;
use crate::admin::audit::OperationRequest;
use crate::admin::role::Role;
use crate::error::Error;

/// The beginning of the names of former values; the operation follows.
const UNDO_PREFIX: &str = "cache:undo:";
/// Actions that can be undone.
const ACTIONS: [&str; 2] = ["edit", "undo"];

/// A former value, as it is kept. Names and values are in base64.
#[derive(Debug, Serialize, Deserialize)]
struct FormerValue {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    field: Option<String>,
    value: String,
    /// The hash of the value that it was replaced by.
    replaced_by: String,
}

/// A checked `POST /operations/{id}/undo`.
#[derive(Debug)]
pub struct UndoRequest {
    id: String,
    operation: OperationRequest,
}

impl UndoRequest {
    /// Checks an id.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a text that is not the id of any operation.
    pub fn parse(id: &str) -> Result<Self, Error> {
        Ok(Self {
            id: id.to_owned(),
            operation: OperationRequest::parse(id)?,
        })
    }

    /// Finds the edit that puts the former value back. One round trip, and if there is none, those of finding
    /// the operation.
    ///
    /// # Errors
    /// [`Error::Gone`] for an edit whose former value is not kept any more, [`Error::NotFound`] for any
    /// other operation; those of the connections.
    pub async fn find<R: Redis, A: Redis>(
        &self,
        redis: &R,
        trail: &A,
    ) -> Result<EditKeyRequest, Error> {
        let name = record_name(&self.id);
        let reply = redis.execute(Command::read("GET").arg(name)).await?;
        let kept = Replies::new(reply).optional_bytes()?;
        let kept = kept.and_then(|json| serde_json::from_slice::<FormerValue>(&json).ok());
        match kept.and_then(FormerValue::into_request) {
            Some(request) => Ok(request),
            None => Err(self.explain(trail).await),
        }
    }

    async fn explain<A: Redis>(&self, trail: &A) -> Error {
        let report = match self.operation.run(trail, Role::Admin).await {
            Ok(report) => report,
            Err(error) => return error,
        };
        if report.has_changed(&ACTIONS) {
            let minutes = UNDO_TIME.as_secs() / 60;
            return Error::Gone(format!(
                "an edit can be undone for {minutes} minutes; the former value of this one is no longer kept"
            ));
        }
        Error::NotFound("this operation is not an edit of a value that succeeded".to_owned())
    }
}

/// Keeps the value that an edit is about to replace. One round trip.
pub(super) async fn remember<R: Redis>(
    redis: &R,
    operation: &str,
    request: &EditKeyRequest,
    found: &EditableValue,
) -> Result<(), Error> {
    let former = FormerValue {
        key: BASE64.encode(request.key.as_bytes()),
        field: request.field.as_ref().map(|field| BASE64.encode(field)),
        value: BASE64.encode(found.value()),
        replaced_by: found.hash_after(&request.value)?,
    };
    let json = serde_json::to_vec(&former).unwrap_or_default();
    let command = Command::new("SET")
        .arg(record_name(operation))
        .arg(json)
        .arg("EX")
        .arg(UNDO_TIME.as_secs());
    redis.execute(command.repeatable()).await?;
    Ok(())
}

/// Removes the value of an edit that has changed nothing. One round trip.
pub(super) async fn forget<R: Redis>(redis: &R, operation: &str) -> Result<(), RedisError> {
    let command = Command::new("UNLINK").arg(record_name(operation));
    redis.execute(command.repeatable()).await.map(drop)
}

fn record_name(operation: &str) -> String {
    format!("{UNDO_PREFIX}{operation}")
}

impl FormerValue {
    /// `None` for a record that cannot be read.
    fn into_request(self) -> Option<EditKeyRequest> {
        let field = self.field.map(|field| BASE64.decode(field));
        Some(EditKeyRequest {
            key: KeyName::new(BASE64.decode(self.key).ok()?),
            field: field.transpose().ok()?,
            value: BASE64.decode(self.value).ok()?,
            expected: self.replaced_by,
        })
    }
}
