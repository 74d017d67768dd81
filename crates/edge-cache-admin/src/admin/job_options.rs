//! Fields of a request about the job that it becomes.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::input::{Fields, time};

/// The fastest pace of a job that a request may set.
const MAX_KEYS_PER_SECOND: u64 = 1_000_000;
/// How far ahead a job may be scheduled.
const MAX_AHEAD: Duration = Duration::from_secs(30 * 86_400);
/// The highest latency above which a job may slow down.
const MAX_LATENCY_MS: u64 = 60_000;

/// `async`, and the pace of the job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobOptions {
    is_async: bool,
    max_keys_per_second: Option<u64>,
    max_latency_ms: Option<u64>,
    run_at: Option<SystemTime>,
}

impl JobOptions {
    /// The names of its fields, for errors.
    pub(crate) const FIELDS: &'static str = "async, maxKeysPerSecond, maxLatencyMs, runAt";

    /// Takes its fields.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field with a wrong type or value.
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Error> {
        Ok(Self {
            is_async: fields.flag("async")?,
            run_at: read_run_at(fields)?,
            ..Self::read_pace(fields)?
        })
    }

    /// Takes the fields of the pace, for a request that is a job in any case.
    ///
    /// # Errors
    /// Those of [`JobOptions::read`].
    pub(crate) fn read_pace(fields: &mut Fields) -> Result<Self, Error> {
        Ok(Self {
            is_async: true,
            max_keys_per_second: fields.positive("maxKeysPerSecond", MAX_KEYS_PER_SECOND)?,
            max_latency_ms: fields.positive("maxLatencyMs", MAX_LATENCY_MS)?,
            run_at: None,
        })
    }

    /// Returns whether the request becomes a job: by its `async`, or because its client prefers it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pace without a job.
    pub fn becomes_job(&self, is_preferred: bool) -> Result<bool, Error> {
        let becomes_job = self.is_async || is_preferred;
        if !becomes_job {
            self.reject_pace("is the pace of a job: send `\"async\": true`, too")?;
        }
        if self.run_at.is_some() && !becomes_job {
            let problem = "is the time of a job: send `\"async\": true`, too";
            return Err(Error::invalid("runAt", problem));
        }
        Ok(becomes_job)
    }

    /// Checks that no pace is set.
    ///
    /// # Errors
    /// [`Error::Invalid`] with this problem for one that is.
    pub(crate) fn reject_pace(&self, problem: &str) -> Result<(), Error> {
        let of_job = [
            ("maxKeysPerSecond", self.max_keys_per_second),
            ("maxLatencyMs", self.max_latency_ms),
        ];
        match of_job.into_iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(Error::invalid(name, problem)),
            None => Ok(()),
        }
    }

    /// The time at which the job begins; `None` for now.
    pub fn run_at(&self) -> Option<SystemTime> {
        self.run_at
    }

    /// The latency above which the job slows down, in milliseconds; `None` for the default.
    pub(crate) fn max_latency_ms(&self) -> Option<u64> {
        self.max_latency_ms
    }

    /// The pace in matching keys per second; `None` for no limit.
    pub(crate) fn max_keys_per_second(&self) -> Option<u64> {
        self.max_keys_per_second
    }
}

fn read_run_at(fields: &mut Fields) -> Result<Option<SystemTime>, Error> {
    let Some(text) = fields.string("runAt")? else {
        return Ok(None);
    };
    let at = time::parse_rfc3339(&text).ok_or_else(|| {
        let problem = "must be a time of RFC 3339, such as 2026-03-01T02:10:00Z";
        Error::invalid("runAt", problem)
    })?;

    let now = SystemTime::now();
    match at.duration_since(now) {
        Ok(ahead) if ahead <= MAX_AHEAD => Ok(Some(at)),
        Ok(_) => Err(Error::invalid("runAt", "must be at most 30 days ahead")),
        Err(_) => Err(Error::invalid("runAt", "must be in the future")),
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
