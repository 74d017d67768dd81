//! Fields of a request about the job that it becomes.

use crate::error::Error;
use crate::input::Fields;

/// The fastest pace of a job that a request may set.
const MAX_KEYS_PER_SECOND: u64 = 1_000_000;

/// `async`, and the pace of the job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobOptions {
    is_async: bool,
    max_keys_per_second: Option<u64>,
}

impl JobOptions {
    /// The names of its fields, for errors.
    pub(crate) const FIELDS: &'static str = "async, maxKeysPerSecond";

    /// Takes its fields.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field with a wrong type or value.
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Error> {
        Ok(Self {
            is_async: fields.flag("async")?,
            max_keys_per_second: fields.positive("maxKeysPerSecond", MAX_KEYS_PER_SECOND)?,
        })
    }

    /// Returns whether the request becomes a job: by its `async`, or because its client prefers it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pace without a job.
    pub fn becomes_job(&self, is_preferred: bool) -> Result<bool, Error> {
        let becomes_job = self.is_async || is_preferred;
        if self.max_keys_per_second.is_some() && !becomes_job {
            return Err(Error::invalid(
                "maxKeysPerSecond",
                "is the pace of a job: send `\"async\": true`, too",
            ));
        }
        Ok(becomes_job)
    }

    /// The pace in matching keys per second; `None` for no limit.
    pub(crate) fn max_keys_per_second(&self) -> Option<u64> {
        self.max_keys_per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_needs_a_job() {
        let read = |body: &str| {
            let mut fields = Fields::from_json(body.as_bytes()).unwrap();
            JobOptions::read(&mut fields)
        };
        let paced = read(r#"{"maxKeysPerSecond":100}"#).unwrap();

        assert!(paced.becomes_job(false).is_err());
        assert!(paced.becomes_job(true).unwrap());
        assert!(!read("{}").unwrap().becomes_job(false).unwrap());
        assert!(
            read(r#"{"async":true}"#)
                .unwrap()
                .becomes_job(false)
                .unwrap()
        );
        assert!(read(r#"{"maxKeysPerSecond":0}"#).is_err());
    }
}
