//! Warmups as jobs: workers with the plan of the configuration file, and its sources.

use std::rc::Rc;
use std::time::Duration;

use edge_cache::keyspace::ttl::TtlTable;
use edge_cache_admin::Error;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::jobs::{WORK_TIME, Waker, WarmupTools};
use edge_cache_admin::warmup::{Plan, WarmupLimits};
use futures_util::future::join;
use spin_sdk::wasip3::wit_bindgen;

use crate::config::Config;
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::request::RequestHead;
use crate::instance::Instance;
use crate::jobs::worker;
use crate::log;
use crate::sources::Sources;

/// The sections of the configuration file that a warmup needs.
pub struct ConfiguredPlan {
    /// The plan.
    pub plan: Plan,
    /// The TTLs of keys whose plan entry has none.
    pub ttl_table: TtlTable,
}

impl Call {
    /// Reads the plan and the TTL table.
    ///
    /// # Errors
    /// 503 for a mistake in the file.
    pub fn configured_plan(&self) -> Result<ConfiguredPlan, Problem> {
        Ok(ConfiguredPlan {
            plan: self.configured(Configuration::plan)?,
            ttl_table: self.configured(Configuration::ttls)?,
        })
    }

    /// The limits of warmups.
    pub fn warmup_limits(&self) -> WarmupLimits {
        limits(self.config())
    }

    /// Advances jobs that are warmups after the response, for as long as the host allows it.
    pub fn work_on_warmups(&self, configured: ConfiguredPlan, waker: Waker) {
        let instance = Rc::clone(&self.instance);
        let head = Rc::clone(&self.head);
        wit_bindgen::spawn(async move {
            // The schedule continues what this leaves.
            if let Err(error) = work(&instance, &head, &configured, waker, WORK_TIME).await {
                log::failure("-", "jobs.interrupted", &error.to_string());
            }
        });
    }

    /// Advances jobs for this long, for the schedule. Walks and warmups do not wait for each other.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn work_on_all_jobs_for(
        &self,
        configured: &ConfiguredPlan,
        limit: Duration,
    ) -> Result<(), Error> {
        let (instance, head) = (&self.instance, &self.head);
        let warmups = work(instance, head, configured, Waker::Schedule, limit);
        let (walks, warmups) = join(self.work_on_jobs_for(limit), warmups).await;
        walks.and(warmups)
    }
}

async fn work(
    instance: &Instance,
    head: &RequestHead,
    configured: &ConfiguredPlan,
    waker: Waker,
    limit: Duration,
) -> Result<(), Error> {
    let tools = WarmupTools {
        source: &Sources::of(&instance.config, head),
        plan: &configured.plan,
        ttl_table: &configured.ttl_table,
        limits: limits(&instance.config),
    };
    let worker = worker(instance, waker);
    Box::pin(worker.work_on_warmups(&tools, limit)).await
}

fn limits(config: &Config) -> WarmupLimits {
    WarmupLimits {
        keys_per_second: config.warmup_rate,
        memory_percent: config.thresholds.memory_percent,
    }
}
