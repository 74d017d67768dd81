//! Passes of a job over the nodes, and the names that they remember.

use std::time::Duration;

use edge_cache::redis::{Command, HostRuntime, Redis, Replies, Topology};
use futures_util::future::join_all;

use super::joint;
use super::names::{self, MAX_NAMES_OF_ALL, MAX_REMEMBERED_NAMES};
use super::plan::{AfterPass, Plan};
use super::record::{Effect, Job};
use super::store;
use super::worker::Worker;
use crate::error::Error;

/// How long a worker waits before another pass over a Cluster, whose slots may still be moving.
const BETWEEN_PASSES: Duration = Duration::from_secs(1);

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Plans the first pass.
    pub(super) async fn plan(&self, jobs: &mut [Job]) -> Result<(), Error> {
        let topology = self.redis.newest_topology().await?;
        let nodes = topology.nodes(self.redis);
        let sizes = nodes.iter().map(|node| async move {
            let size = node.execute(Command::read("DBSIZE")).await.ok()?;
            Replies::new(size).count().ok()
        });
        let total: Option<u64> = join_all(sizes).await.into_iter().sum();

        let count = jobs.len();
        if let Some(lead) = jobs.first_mut() {
            lead.total = total;
            if lead.work.is_dry_run() {
                lead.name_bits = Some(names::field_bits(total.unwrap_or(MAX_REMEMBERED_NAMES)));
            }
            lead.plan = Some(self.plan_pass(&topology, lead, 1, count));
        }
        joint::assign_places(jobs);
        Ok(())
    }

    /// Plans a pass of a job, or of several whose lead it is.
    fn plan_pass(&self, topology: &Topology, lead: &Job, pass: u32, jobs: usize) -> Plan {
        let joint = (jobs > 1).then(|| self.name_of_joint_walk());
        let plan = Plan::new(topology, joint.as_deref().unwrap_or(&lead.id), pass);
        Plan { joint, ..plan }
    }

    /// Forgets the names that a dry run has matched if they are too many.
    pub(super) async fn bound_names(&self, job: &mut Job) -> Result<(), Error> {
        if job.name_bits.is_none() || job.counts().matched <= MAX_REMEMBERED_NAMES {
            return Ok(());
        }
        job.name_bits = None;
        self.forget_names(job).await
    }

    /// Forgets the names of the oldest dry runs if all together have too many, for a dry run that is done.
    /// Names that an unfinished job needs stay. One round trip, and two for each that forgets its names.
    pub(super) async fn bound_all_names(&self, newest: &Job) -> Result<(), Error> {
        let listed = store::list(self.redis, store::MAX_JOBS, "", &[]).await?;
        let unfinished = listed.jobs.iter().filter(|job| !job.state.has_ended());
        let needed = unfinished.filter_map(|job| job.work.executes.as_ref());
        let needed: Vec<String> = needed.map(|names| names.job.clone()).collect();

        let mut names = newest.counts().matched;
        for mut job in listed.jobs {
            if job.id == newest.id || !job.remembers_names() {
                continue;
            }
            names += job.counts().matched;
            if names <= MAX_NAMES_OF_ALL || needed.contains(&job.id) {
                continue;
            }
            self.forget_names(&job).await?;
            job.name_bits = None;
            let state = job.state;
            store::save(self.redis, &self.name, &mut job, state).await?;
        }
        Ok(())
    }

    /// Removes the names that a dry run has matched.
    pub(super) async fn forget_names(&self, job: &Job) -> Result<(), Error> {
        if !job.work.is_dry_run() {
            return Ok(());
        }
        for part in job.plan.iter().flat_map(|plan| &plan.parts) {
            let unlink = Command::read("UNLINK").arg(part.names_key());
            self.redis.execute(unlink).await?;
        }
        Ok(())
    }

    /// Ends a pass; returns whether it was the last one.
    pub(super) async fn end_pass(&self, jobs: &mut Vec<Job>) -> Result<bool, Error> {
        let Some(plan) = jobs.first().and_then(|lead| lead.plan.as_ref()) else {
            return Ok(false);
        };
        let pass = plan.pass + 1;
        let topology = self.redis.newest_topology().await?;
        match plan.after(&topology) {
            AfterPass::Done => return Ok(true),
            AfterPass::GiveUp => {
                let problem = "slots of the Cluster moved during every pass over it: repeat the operation when its slots no longer move";
                return Err(Error::JobState(problem.to_owned()));
            }
            AfterPass::Another => self.redis.sleep(BETWEEN_PASSES).await,
        }

        let count = jobs.len();
        for job in jobs.iter_mut() {
            // Another pass finds again what was only counted.
            if job.work.is_dry_run() {
                self.forget_names(job).await?;
            } else if job.work.effect != Effect::Analyse {
                job.keep_counts();
            }
        }
        if let Some(lead) = jobs.first_mut() {
            lead.plan = Some(self.plan_pass(&topology, lead, pass, count));
        }
        joint::assign_places(jobs);
        // Jobs that walk together are stored with their plan before the first slice.
        if !self.store_all(jobs).await? {
            // Another worker has them.
            jobs.clear();
        }
        Ok(false)
    }
}
