//! Joint walks: jobs that wait for the same kind of walk share one, which removes the keys of all their
//! patterns. A key that several of them match counts for each.
//!
//! ```text
//! job a: users:*     queued      a worker claims it, and finds b waiting for the same kind of walk:
//! job b: users:1*    queued      both get the plan of joint walk w, a at place 0, b at place 1
//! w: slice 1 of both ... 9       counts of a and b are beside each other in the parts of w
//! job b              is paused:  it leaves w with its counts
//! w: slices 10 to the end        for a alone
//! job b              is resumed: walks from the beginning; keys that it has removed are gone
//! ```
//!
//! - The jobs of a joint walk are those in the state `running` whose plans name it. A job enters
//!   `running` only together with its plan, before the first slice, and does not come back once it has
//!   left. So the patterns of each were part of all slices, whichever workers were killed. The part
//!   itself tells a job that was stored too late, because Redis was slow: it has no counts of it.
//! - All plans of a joint walk are the same but for places and counts. The first job leads: workers
//!   advance its plan, and then [`share_plan`].

use edge_cache::RedisError;
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::units;

use super::counts::Counts;
use super::plan::Plan;
use super::record::{Effect, Job};
use super::slice;
use super::state::JobState;
use super::store;
use super::worker::Worker;
use crate::error::Error;

/// The most patterns of a joint walk: each is tested on every key.
const MAX_JOINT_PATTERNS: usize = 500;

impl Job {
    /// Returns whether it may share a walk: it removes all keys of its patterns, and at no pace of its
    /// own.
    fn may_share_walk(&self) -> bool {
        let work = &self.work;
        let has_pace = work.max_keys_per_second.is_some();
        work.effect == Effect::Remove
            && work.invalidates_patterns()
            && !work.patterns.is_empty()
            && !has_pace
    }

    /// The name of its joint walk; `None` if it walks alone or not yet.
    pub(super) fn joint_walk(&self) -> Option<&str> {
        self.plan.as_ref()?.joint.as_deref()
    }

    /// Leaves its walk, and keeps its counts.
    async fn leave_walk<R: Redis>(&mut self, redis: &R) -> Result<(), RedisError> {
        for part in self.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            part.refresh(redis).await?;
        }
        self.keep_counts();
        self.plan = None;
        self.worked_ms = 0;
        Ok(())
    }
}

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Finds the jobs that walk together with a claimed one, which is the first. One round trip, and for
    /// each that already walks one for each node; none if it cannot share a walk.
    pub(super) async fn join(&self, mut job: Job) -> Result<Vec<Job>, Error> {
        if !job.may_share_walk() {
            return Ok(vec![job]);
        }
        // If it is queued, it was paused, and its walk may have gone on without it.
        if job.joint_walk().is_some()
            && (job.state == JobState::Queued || !self.takes_part(&mut job).await?)
        {
            job.leave_walk(self.redis).await?;
        }

        let (state, walk) = match (&job.plan, job.joint_walk()) {
            (None, _) => (JobState::Queued, None),
            (Some(_), Some(walk)) => (JobState::Running, Some(walk.to_owned())),
            (Some(_), None) => return Ok(vec![job]),
        };
        let found = store::list(self.redis, store::MAX_JOBS, "", &[state.stored_name()]).await?;
        let mut patterns = job.work.patterns.len();
        let mut jobs = vec![job];
        for mut other in found.jobs.into_iter().rev() {
            let is_of_walk = match &walk {
                Some(walk) => {
                    other.joint_walk() == Some(walk) && self.takes_part(&mut other).await?
                }
                None => {
                    let all = patterns + other.work.patterns.len();
                    other.may_share_walk() && other.plan.is_none() && all <= MAX_JOINT_PATTERNS
                }
            };
            if is_of_walk && jobs.iter().all(|job| job.id != other.id) {
                patterns += other.work.patterns.len();
                jobs.push(other);
            }
        }
        Ok(jobs)
    }

    /// Returns whether the joint walk of a job was begun with it, or not yet. One round trip for each
    /// node.
    async fn takes_part(&self, job: &mut Job) -> Result<bool, RedisError> {
        for part in job.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            if !part.refresh(self.redis).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A name for the next pass of a joint walk. Each pass has its own: a job that was not stored with
    /// it when a worker was killed does not take part.
    pub(super) fn name_of_joint_walk(&self) -> String {
        store::new_id(units::now_ms(), self.redis.random())
    }

    /// Settles a job whose state a caller has changed, if it has ended, and lets it leave a joint walk.
    pub(super) async fn leave(&self, mut job: Job, state: JobState) -> Result<(), Error> {
        job.state = state;
        if state.is_settling() {
            return self.settle(job).await.map(drop);
        }
        if job.joint_walk().is_some() {
            job.leave_walk(self.redis).await?;
            store::save(self.redis, &self.name, &mut job, state).await?;
        }
        Ok(())
    }

    /// Ends the parts of a joint walk whose jobs have all left it. One round trip for each node.
    pub(super) async fn close_joint_walk(&self, plan: Option<&Plan>) {
        let plan = plan.filter(|plan| plan.joint.is_some());
        for part in plan.iter().flat_map(|plan| &plan.parts) {
            // If this fails, the part expires later.
            let _ = slice::close_part(self.redis, part).await;
        }
    }
}

/// Lets the lead's plan know the places and counts of the other jobs.
pub(super) fn gather_counts(jobs: &mut [Job]) {
    let Some((lead, others)) = jobs.split_first_mut() else {
        return;
    };
    let parts = lead.plan.iter_mut().flat_map(|plan| &mut plan.parts);
    for (at, part) in parts.enumerate() {
        let of_others = others.iter().filter_map(|job| {
            let part = job.plan.as_ref()?.parts.get(at)?;
            Some((part.place, part.counts))
        });
        part.others = of_others.collect();
    }
}

/// Gives all jobs the lead's plan, each with its own place and counts.
pub(super) fn share_plan(jobs: &mut [Job]) {
    let Some((lead, others)) = jobs.split_first_mut() else {
        return;
    };
    for (at, job) in others.iter_mut().enumerate() {
        let mut plan = lead.plan.clone();
        for part in plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            (part.place, part.counts) = part.others.get(at).copied().unwrap_or_default();
            part.others.clear();
        }
        job.plan = plan;
        job.total = lead.total;
        job.latency_us = lead.latency_us;
        job.rest_ms = lead.rest_ms;
    }
}

/// Gives the jobs of a new plan their places, in their order.
pub(super) fn assign_places(jobs: &mut [Job]) {
    let count = jobs.len();
    let lead = jobs.first_mut().and_then(|lead| lead.plan.as_mut());
    for part in lead.into_iter().flat_map(|plan| &mut plan.parts) {
        part.others = (1..count).map(|place| (place, Counts::default())).collect();
    }
    share_plan(jobs);
}
