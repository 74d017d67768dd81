//! The cron trigger: runs a component at the times of a cron expression (with a first field for seconds, in UTC), with the
//! scheduler and the interface of Spin's cron plugin.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::component::Component;
use crate::guest::Guest;
use crate::log;
use crate::manifest::Manifest;
use bindings::{Metadata, SpinCronPre};

/// What `bindgen!` makes of the interface.
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package fermyon:spin-cron@2.0.0;

            interface cron-types {
                record metadata { timestamp: u64 }
                variant error { other(string) }
            }

            world spin-cron {
                use cron-types.{metadata, error};
                export handle-cron-event: func(metadata: metadata) -> result<_, error>;
            }
        ",
        exports: { default: async },
    });
}

/// Every cron trigger, ready to be started.
pub struct Schedule(Vec<Job>);

impl Schedule {
    /// Checks and prepares every cron trigger.
    ///
    /// # Errors
    /// An expression that is none, or a component that is not made for this trigger.
    pub fn new(
        manifest: &Manifest,
        components: &HashMap<String, Arc<Component>>,
        time_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut jobs = Vec::new();
        for trigger in &manifest.triggers.cron {
            let Some(component) = components.get(&trigger.component).cloned() else { continue };
            let code = SpinCronPre::new(component.code.clone())
                .map_err(anyhow::Error::from)
                .with_context(|| format!("component `{}` exports no handle-cron-event", component.id))?;
            let job = Job::new_async(trigger.cron_expression.as_str(), move |_, _| {
                let (component, code) = (component.clone(), code.clone());
                Box::pin(async move { tick(&component, &code, time_limit).await })
            });
            let expression = &trigger.cron_expression;
            jobs.push(job.with_context(|| {
                format!("[[trigger.cron]] `{expression}` is no schedule; write second minute hour day month weekday")
            })?);
        }
        Ok(Self(jobs))
    }

    /// Runs the schedule in the background for as long as the returned scheduler lives.
    ///
    /// # Errors
    /// The scheduler does not start.
    pub async fn start(self) -> Result<Option<JobScheduler>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let scheduler = JobScheduler::new().await?;
        for job in self.0 {
            scheduler.add(job).await?;
        }
        scheduler.start().await?;
        Ok(Some(scheduler))
    }
}

async fn tick(component: &Arc<Component>, code: &SpinCronPre<Guest>, time_limit: Option<Duration>) {
    let outcome = match time_limit {
        Some(limit) => tokio::time::timeout(limit, run(component, code))
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {limit:?}"))),
        None => run(component, code).await,
    };
    if let Err(error) = outcome {
        log::problem(format_args!("component `{}` failed on schedule: {error:#}", component.id));
    }
}

async fn run(component: &Arc<Component>, code: &SpinCronPre<Guest>) -> Result<()> {
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut store = Guest::store(component, None)?;
    let instance = code.instantiate_async(&mut store).await?;
    let handled = instance.call_handle_cron_event(&mut store, Metadata { timestamp }).await?;
    handled.map_err(|error| anyhow::anyhow!("{error:?}"))
}
