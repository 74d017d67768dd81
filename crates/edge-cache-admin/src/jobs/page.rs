//! Reading jobs: one, or page by page, newest first.

use edge_cache::redis::Redis;
use serde::Serialize;

use super::record::Job;
use super::report::JobReport;
use super::state::JobState;
use super::store;
use crate::error::Error;
use crate::input::Parameters;

/// The most jobs on a page, and the default.
const MAX_PAGE_JOBS: u64 = 100;
const DEFAULT_PAGE_JOBS: u64 = 20;

/// A checked `GET /jobs`.
#[derive(Debug)]
pub struct JobPageRequest {
    limit: u64,
    cursor: String,
    /// Stored names of the requested states; none for all.
    states: Vec<&'static str>,
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<JobReport>,
    /// The position among all of them.
    pub pagination: JobPagination,
}

/// The position of a page among the jobs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPagination {
    /// All jobs in the requested state.
    pub total: u64,
    /// Jobs on this page.
    pub returned: usize,
    /// The cursor of the next, older page; null on the last.
    pub next_cursor: Option<String>,
    /// True if there are older jobs.
    pub has_more: bool,
}

impl JobPageRequest {
    /// Reads `limit` (1 to 100, 20 by default), `cursor` and `state`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let limit = parameters.number("limit", MAX_PAGE_JOBS, DEFAULT_PAGE_JOBS)?;
        let cursor = parameters.text("cursor")?.unwrap_or_default();
        if !cursor.is_empty() && !store::is_id(&cursor) {
            return Err(Error::invalid(
                "cursor",
                "must be the `nextCursor` of an earlier page",
            ));
        }

        let states = match parameters.text("state")? {
            None => Vec::new(),
            Some(state) => JobState::stored_names_shown_as(&state).ok_or_else(|| {
                let known = JobState::shown_names();
                Error::invalid("state", format!("must be one of {known}"))
            })?,
        };
        parameters.reject_unknown("limit, cursor, state")?;
        Ok(Self {
            limit,
            cursor,
            states,
        })
    }

    /// Reads the page. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<JobPage, Error> {
        let listed = store::list(redis, self.limit + 1, &self.cursor, &self.states).await?;
        let has_more = listed.jobs.len() as u64 > self.limit;
        let mut jobs = listed.jobs;
        jobs.truncate(self.limit as usize);

        let last = jobs.last().map(|job| job.id.clone());
        Ok(JobPage {
            pagination: JobPagination {
                total: listed.total,
                returned: jobs.len(),
                next_cursor: last.filter(|_| has_more),
                has_more,
            },
            jobs: jobs.into_iter().map(JobReport::from).collect(),
        })
    }
}

/// Reads a job. One round trip.
///
/// # Errors
/// [`Error::NotFound`] if there is no such job, and those of the connection.
pub async fn read_job<R: Redis>(redis: &R, id: &str) -> Result<Job, Error> {
    let found = if store::is_id(id) {
        store::find(redis, id).await?
    } else {
        None
    };
    found.ok_or_else(|| store::not_found(id))
}
