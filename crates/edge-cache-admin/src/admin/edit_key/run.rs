//! Replacing the value.

use edge_cache::keyspace::edit::{self, EditableValue, NotEditable, Replaced};
use edge_cache::keyspace::trailer;
use edge_cache::redis::{HostRuntime, Redis};
use serde::de::IgnoredAny;

use super::report::EditReport;
use super::request::EditKeyRequest;
use super::undo;
use crate::admin::audit::ValueDifference;
use crate::error::Error;

/// How often a value is read again that is the same, but was written anew.
const MAX_TRIES: usize = 8;

impl EditKeyRequest {
    /// Replaces the value, and keeps the former one for as long as the edit can be undone. Three round trips,
    /// four on a Cluster. `operation` is the id by which it can be undone.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a key or field, [`Error::ValueChanged`] if it has another value,
    /// [`Error::NotEditable`] for another type or a value that is too long, [`Error::Invalid`] for a new
    /// value that services could not read; those of the connection. Nothing has changed then.
    pub async fn run<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        operation: Option<&str>,
    ) -> Result<EditReport, Error> {
        let mut remembered = None;
        let ended = self.replace(redis, operation, &mut remembered).await;
        if let (Err(error), Some(operation)) = (&ended, remembered) {
            // After a failure of Redis, the value may have been replaced. The former one expires by itself.
            if !matches!(error, Error::Redis(_)) {
                let _ = undo::forget(redis, operation).await;
            }
        }
        let (replaced, before) = ended?;
        let difference = ValueDifference::between(&before, &self.value);
        Ok(EditReport::new(
            self,
            replaced,
            difference,
            operation.is_some(),
        ))
    }

    /// Returns the new value's facts, and the former value. `remembered` is the operation whose former value is
    /// kept.
    async fn replace<'o, R: Redis + HostRuntime>(
        &self,
        redis: &R,
        operation: Option<&'o str>,
        remembered: &mut Option<&'o str>,
    ) -> Result<(Replaced, Vec<u8>), Error> {
        for _ in 0..MAX_TRIES {
            let found = edit::read(redis, &self.key, self.field.as_deref()).await?;
            let found = found.map_err(|reason| self.refuse(reason))?;
            if found.hash() != self.expected {
                return Err(Error::ValueChanged {
                    hash: found.hash().to_owned(),
                });
            }

            self.check_value(&found)?;
            if let Some(operation) = operation {
                *remembered = Some(operation);
                undo::remember(redis, operation, self, &found).await?;
            }
            let field = self.field.as_deref();
            let replacing = edit::replace(redis, &self.key, field, &found, &self.value);
            if let Some(replaced) = replacing.await? {
                return Ok((replaced, found.value().to_vec()));
            }
        }
        Err(edit::written_too_often().into())
    }

    fn refuse(&self, reason: NotEditable) -> Error {
        let key = self.key.display();
        match reason {
            NotEditable::Missing if self.field.is_some() => Error::NotFound(format!(
                "there is no such field in {key}, or no such key; read the key again"
            )),
            NotEditable::Missing => Error::key_not_found(&self.key),
            NotEditable::OtherType if self.field.is_some() => Error::NotEditable(format!(
                "{key} is not a hash, so it has no fields; omit `field` for a string"
            )),
            NotEditable::OtherType => Error::NotEditable(format!(
                "{key} is not a string: of a hash, give the `field`; other types, and entries above 8 MiB, cannot be edited"
            )),
            NotEditable::TooLong => Error::NotEditable(format!(
                "the value of {key} has more than {} bytes, so it cannot be edited",
                edit::MAX_EDITABLE_BYTES
            )),
        }
    }

    /// Checks that services can read the new value as they read the one before.
    fn check_value(&self, found: &EditableValue) -> Result<(), Error> {
        if found.is_entry() || is_object_or_list(found.value()) {
            serde_json::from_slice::<IgnoredAny>(&self.value).map_err(|error| {
                let problem = format!("must be JSON, as the value before is: {error}");
                Error::invalid("value", problem)
            })?;
        }
        if self.value.len() > edit::MAX_EDITABLE_BYTES {
            let problem = format!("must have at most {} bytes", edit::MAX_EDITABLE_BYTES);
            return Err(Error::invalid("value", problem));
        }
        if trailer::split(&self.value).1.is_some() {
            let problem = "must not end in the trailer of an entry; copy the value without it";
            return Err(Error::invalid("value", problem));
        }
        Ok(())
    }
}

fn is_object_or_list(value: &[u8]) -> bool {
    let first = value.trim_ascii_start().first();
    matches!(first, Some(b'{' | b'[')) && serde_json::from_slice::<IgnoredAny>(value).is_ok()
}
