//! Requests for analyses.

use std::time::SystemTime;

use edge_cache::redis::{HostRuntime, Redis};
use futures_util::future::join;

use super::key_sizes::KeySizes;
use super::mode::AnalysisMode;
use super::report::AnalysisReport;
use super::result::{Analysis, Origin};
use super::store::{self, Lock};
use super::{MAX_DEPTH, sample};
use crate::admin::audit::AuditRecord;
use crate::admin::job_options::JobOptions;
use crate::error::Error;
use crate::input::{Fields, Parameters};

/// Keys of a sample, unless the request says otherwise.
pub(super) const DEFAULT_SAMPLE_KEYS: u64 = 20_000;
const MIN_SAMPLE_KEYS: u64 = 1000;
const MAX_SAMPLE_KEYS: u64 = 100_000;
pub(super) const DEFAULT_DEPTH: u64 = 3;

/// A request to analyse the cache.
#[derive(Debug, Clone)]
pub struct AnalysisRequest {
    mode: AnalysisMode,
    pub(super) sample_keys: u64,
    pub(super) depth: u8,
    pace: JobOptions,
}

/// A request for an analysis that was made.
#[derive(Debug, Clone)]
pub struct AnalysisPageRequest {
    id: Option<String>,
}

impl AnalysisRequest {
    /// Reads a body; an empty one asks for a sample.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`].
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let mode = match fields.string("mode")?.as_deref() {
            None | Some("sample") => AnalysisMode::Sample,
            Some("full") => AnalysisMode::Full,
            Some(_) => return Err(Error::invalid("mode", "must be sample or full")),
        };
        let sample_keys = fields.whole("sampleKeys", MIN_SAMPLE_KEYS..=MAX_SAMPLE_KEYS)?;
        if sample_keys.is_some() && mode == AnalysisMode::Full {
            let problem = "is for samples: a full analysis looks at every key";
            return Err(Error::invalid("sampleKeys", problem));
        }
        let depth = fields
            .positive("depth", MAX_DEPTH)?
            .unwrap_or(DEFAULT_DEPTH);
        let pace = JobOptions::read_pace(&mut fields)?;
        fields.reject_unknown("mode, sampleKeys, depth, maxKeysPerSecond, maxLatencyMs")?;

        if mode == AnalysisMode::Sample {
            pace.reject_pace("is the pace of a job: send `\"mode\": \"full\"`, too")?;
        }
        Ok(Self {
            mode,
            sample_keys: sample_keys.unwrap_or(DEFAULT_SAMPLE_KEYS),
            depth: u8::try_from(depth).unwrap_or(u8::MAX),
            pace,
        })
    }

    /// The sample that the schedule takes.
    pub(super) fn scheduled() -> Self {
        Self {
            mode: AnalysisMode::Sample,
            sample_keys: DEFAULT_SAMPLE_KEYS,
            depth: DEFAULT_DEPTH as u8,
            pace: JobOptions::default(),
        }
    }

    /// Returns whether it is made by a job.
    pub fn is_full(&self) -> bool {
        self.mode == AnalysisMode::Full
    }

    /// The most segments of a group.
    pub(crate) fn depth(&self) -> u8 {
        self.depth
    }

    /// The pace of the job.
    pub(crate) fn pace(&self) -> JobOptions {
        self.pace
    }

    /// The audit record of the request.
    pub fn record(&self) -> AuditRecord {
        let mut record = AuditRecord::new(if self.is_full() {
            "job-begin"
        } else {
            "analysis"
        });
        record.detail = Some(if self.is_full() {
            format!("full analysis, depth {}", self.depth)
        } else {
            format!("sample of {} keys, depth {}", self.sample_keys, self.depth)
        });
        record
    }

    /// Takes a sample, and keeps the result. About one round trip for 300 keys, nodes side by side, and at
    /// most ten more.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another sample is taken; those of the connections.
    pub async fn run<R: Redis + HostRuntime, A: Redis>(
        &self,
        redis: &R,
        trail: &A,
        by: &str,
    ) -> Result<AnalysisReport, Error> {
        let lock = Lock::acquire(trail, redis.random()).await?;
        let report = self.sample(redis, trail, by, SystemTime::now()).await;
        lock.release().await;
        report
    }

    /// Takes a sample while the lock is held.
    pub(super) async fn sample<R: Redis + HostRuntime, A: Redis>(
        &self,
        redis: &R,
        trail: &A,
        by: &str,
        began: SystemTime,
    ) -> Result<AnalysisReport, Error> {
        let samples = sample::take(redis, self.depth, self.sample_keys);
        let (samples, key_sizes) = join(samples, KeySizes::read(redis)).await;
        let samples = samples?;
        let origin = Origin {
            mode: AnalysisMode::Sample,
            by: by.to_owned(),
            depth: self.depth,
            began,
            ended: SystemTime::now(),
        };
        store::keep(trail, Analysis::new(origin, &samples, key_sizes), "").await
    }
}

impl AnalysisPageRequest {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let id = parameters.text("id")?;
        parameters.reject_unknown("id")?;
        if let Some(id) = &id {
            let parts = id.split_once('-');
            let is_number = |part: &str| part.parse::<u64>().is_ok();
            if !parts.is_some_and(|(ms, number)| is_number(ms) && is_number(number)) {
                let problem = "must be the `id` of one of the `runs`, such as 1763209860000-0";
                return Err(Error::invalid("id", problem));
            }
        }
        Ok(Self { id })
    }

    /// Reads the analysis. One round trip.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none; those of the connection.
    pub async fn run<A: Redis>(&self, trail: &A) -> Result<AnalysisReport, Error> {
        let id = self.id.as_deref();
        store::read(trail, id.unwrap_or_default()).await?.ok_or_else(|| {
            Error::NotFound(match id {
                Some(id) => format!("there is no analysis {id}: the last 30 are kept"),
                None => "there is no analysis yet: make one with POST /analysis, or set analysis_interval_minutes".to_owned(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_field_is_named() {
        for (body, field) in [
            (r#"{"mode":"quick"}"#, "mode"),
            (r#"{"sampleKeys":999}"#, "sampleKeys"),
            (r#"{"mode":"full","sampleKeys":2000}"#, "sampleKeys"),
            (r#"{"depth":7}"#, "depth"),
            (r#"{"maxKeysPerSecond":10}"#, "maxKeysPerSecond"),
            (r#"{"maxLatencyMs":10}"#, "maxLatencyMs"),
            (r#"{"keys":1}"#, "keys"),
        ] {
            let error = AnalysisRequest::parse(body.as_bytes()).unwrap_err();
            let is_named = matches!(&error, Error::Invalid { field: named, .. } if named == field);
            assert!(is_named, "{body}: {error}");
        }
        assert!(AnalysisPageRequest::parse("id=1-x").is_err());
        assert!(AnalysisPageRequest::parse("page=1").is_err());
    }

    #[test]
    fn an_empty_body_asks_for_a_sample() {
        let request = AnalysisRequest::parse(b"").unwrap();
        assert!(!request.is_full());
        assert_eq!((request.sample_keys, request.depth), (20_000, 3));
        let full = br#"{"mode":"full","maxKeysPerSecond":5}"#;
        assert!(AnalysisRequest::parse(full).unwrap().is_full());
    }
}
