//! Following a job: an event at each change, until its end.

use std::time::Duration;

use edge_cache::redis::{HostRuntime, Redis};
use futures_util::{Stream, stream};
use serde_json::Value;

use super::page::read_job;
use super::report::JobReport;

/// The time between two reads of a job.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(250);

/// An event of a stream: its name and its data.
type JobEvent = (&'static str, Value);

struct Follower<R> {
    redis: R,
    id: String,
    /// The job as last sent.
    shown: Value,
}

/// Follows a job: an event `job` with the job now and at each change, until it has ended. If the
/// job cannot be read, an event `problem` with a message is the last. One round trip, four times a
/// second.
pub fn follow_job<R: Redis + HostRuntime>(
    redis: R,
    id: &str,
) -> impl Stream<Item = JobEvent> + use<R> {
    let follower = Follower {
        redis,
        id: id.to_owned(),
        shown: Value::Null,
    };
    stream::unfold(Some(follower), async |follower| {
        Some(follower?.next_event().await)
    })
}

impl<R: Redis + HostRuntime> Follower<R> {
    /// Waits for the next event; returns no follower after the last.
    async fn next_event(mut self) -> (JobEvent, Option<Self>) {
        loop {
            let job = match read_job(&self.redis, &self.id).await {
                Ok(job) => job,
                Err(error) => return (("problem", error.to_string().into()), None),
            };

            let has_ended = job.state().has_ended();
            let report = serde_json::to_value(JobReport::from(job)).unwrap_or_default();
            if has_ended && !report["endedAt"].is_null() {
                return (("job", report), None);
            }
            if report != self.shown {
                self.shown.clone_from(&report);
                return (("job", report), Some(self));
            }
            self.redis.sleep(FOLLOW_INTERVAL).await;
        }
    }
}
