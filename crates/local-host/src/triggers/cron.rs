//! The cron trigger: runs a component at the times of a cron expression, with the scheduler and the
//! interface of Spin's cron plugin. The first field is seconds; times are UTC.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use tokio::sync::{OnceCell, RwLock};
use tokio_cron_scheduler::{Job, JobScheduler};

use super::stop::Stop;
use crate::component::Component;
use crate::guest::Guest;
use crate::log;
use crate::manifest::Manifest;
use bindings::{Metadata, SpinCronPre};

/// Generated from the interface.
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

/// All cron triggers, ready to start.
#[derive(Clone)]
pub struct Schedule {
    jobs: Vec<(Arc<Handler>, Job)>,
    stopped: Stopped,
}

/// Set when the host stops. Every running tick holds it for reading.
type Stopped = Arc<RwLock<bool>>;

/// A component that runs on schedule.
struct Handler {
    component: Arc<Component>,
    code: OnceCell<SpinCronPre<Guest>>,
    time_limit: Option<Duration>,
    /// The cron expression from the manifest.
    expression: String,
    stopped: Stopped,
}

impl Schedule {
    /// Checks and prepares every cron trigger.
    ///
    /// # Errors
    /// An invalid expression.
    pub fn new(
        manifest: &Manifest,
        components: &HashMap<String, Arc<Component>>,
        time_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut jobs = Vec::new();
        let stopped = Stopped::default();
        for trigger in &manifest.triggers.cron {
            let Some(component) = components.get(&trigger.component) else {
                continue;
            };

            let handler = Arc::new(Handler {
                component: component.clone(),
                code: OnceCell::new(),
                time_limit,
                expression: trigger.cron_expression.clone(),
                stopped: stopped.clone(),
            });
            let job = handler.clone().into_job()?;
            jobs.push((handler, job));
        }
        Ok(Self { jobs, stopped })
    }

    /// Compiles every component ahead of its first tick.
    ///
    /// # Errors
    /// A component that does not compile, or does not handle cron events.
    pub async fn prepare(&self) -> Result<()> {
        for (handler, _) in &self.jobs {
            handler.component.code_ahead().await?;
            handler.code().await?;
        }
        Ok(())
    }

    /// Runs the schedule until `stop`, then waits for the running ticks.
    ///
    /// # Errors
    /// The scheduler does not start.
    pub async fn run(self, stop: Stop) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }

        let scheduler = JobScheduler::new().await?;
        for (handler, job) in self.jobs {
            scheduler.add(job).await?;
            log::info(format_args!(
                "Scheduled {}: {}",
                handler.expression, handler.component.id
            ));
        }
        scheduler.start().await?;

        stop.await;
        *self.stopped.write().await = true;
        Ok(())
    }
}

impl Handler {
    fn into_job(self: Arc<Self>) -> Result<Job> {
        let expression = self.expression.clone();
        let job = Job::new_async(expression.as_str(), move |_, _| {
            let handler = self.clone();
            Box::pin(async move { handler.tick().await })
        });
        job.with_context(|| {
            format!("[[trigger.cron]] `{expression}` is not a schedule; write second minute hour day month weekday")
        })
    }

    async fn code(&self) -> Result<&SpinCronPre<Guest>> {
        let load = async || {
            let code = self.component.code().await?;
            SpinCronPre::new(code.clone())
                .map_err(anyhow::Error::from)
                .with_context(|| {
                    format!(
                        "component `{}` exports no handle-cron-event",
                        self.component.id
                    )
                })
        };
        self.code.get_or_try_init(load).await
    }

    async fn tick(&self) {
        let stopped = self.stopped.read().await;
        if *stopped {
            return;
        }

        let outcome = match self.time_limit {
            Some(limit) => tokio::time::timeout(limit, self.run())
                .await
                .unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {limit:?}"))),
            None => self.run().await,
        };

        if let Err(error) = outcome {
            log::error(format_args!(
                "component `{}` failed on schedule: {error:#}",
                self.component.id
            ));
        }
    }

    async fn run(&self) -> Result<()> {
        let code = self.code().await?;
        let timestamp = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();

        let mut store = self.component.new_store(None)?;
        let instance = code.instantiate_async(&mut store).await?;
        let outcome = instance
            .call_handle_cron_event(&mut store, Metadata { timestamp })
            .await?;
        outcome.map_err(|error| anyhow::anyhow!("{error:?}"))
    }
}
