//! The cron trigger: runs a component at the times of a cron expression (with a first field for seconds, in UTC), with the
//! scheduler and the interface of Spin's cron plugin.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use tokio::sync::{OnceCell, RwLock};
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::component::Component;
use crate::guest::Guest;
use crate::log;
use crate::manifest::Manifest;
use crate::triggers::Stop;
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
#[derive(Clone)]
pub struct Schedule {
    jobs: Vec<(Arc<Handler>, Job)>,
    stopped: Stopped,
}

/// Whether the host was told to stop; held for reading by every tick at work.
type Stopped = Arc<RwLock<bool>>;

/// A component that runs on schedule.
struct Handler {
    component: Arc<Component>,
    code: OnceCell<SpinCronPre<Guest>>,
    time_limit: Option<Duration>,
    /// As the manifest has it.
    expression: String,
    stopped: Stopped,
}

impl Schedule {
    /// Checks and prepares every cron trigger.
    ///
    /// # Errors
    /// An expression that is none.
    pub fn new(
        manifest: &Manifest,
        components: &HashMap<String, Arc<Component>>,
        time_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut jobs = Vec::new();
        let stopped = Stopped::default();
        for trigger in &manifest.triggers.cron {
            let Some(component) = components.get(&trigger.component).cloned() else { continue };
            let (expression, stopped) = (trigger.cron_expression.clone(), stopped.clone());
            let handler = Arc::new(Handler { component, code: OnceCell::new(), time_limit, expression, stopped });
            let runs = handler.clone();
            let job = Job::new_async(handler.expression.as_str(), move |_, _| {
                let handler = runs.clone();
                Box::pin(async move { handler.tick().await })
            });
            let job = job.with_context(|| {
                let expression = &handler.expression;
                format!("[[trigger.cron]] `{expression}` is no schedule; write second minute hour day month weekday")
            })?;
            jobs.push((handler, job));
        }
        Ok(Self { jobs, stopped })
    }

    /// Compiles every component before its time.
    ///
    /// # Errors
    /// A component that does not compile, or is not made for this trigger.
    pub async fn prepare(&self) -> Result<()> {
        for (handler, _) in &self.jobs {
            handler.component.code_ahead().await?;
            handler.code().await?;
        }
        Ok(())
    }

    /// Runs the schedule until `stop`, then waits for the ticks at work.
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
            log::notice(format_args!("Scheduled {}: {}", handler.expression, handler.component.id));
        }
        scheduler.start().await?;
        stop.await;
        *self.stopped.write().await = true;
        Ok(())
    }
}

impl Handler {
    async fn code(&self) -> Result<&SpinCronPre<Guest>> {
        let find = async || {
            let code = SpinCronPre::new(self.component.code().await?.clone()).map_err(anyhow::Error::from);
            code.with_context(|| format!("component `{}` exports no handle-cron-event", self.component.id))
        };
        self.code.get_or_try_init(find).await
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
            log::problem(format_args!("component `{}` failed on schedule: {error:#}", self.component.id));
        }
    }

    async fn run(&self) -> Result<()> {
        let code = self.code().await?;
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut store = Guest::store(&self.component, None)?;
        let instance = code.instantiate_async(&mut store).await?;
        let handled = instance.call_handle_cron_event(&mut store, Metadata { timestamp }).await?;
        handled.map_err(|error| anyhow::anyhow!("{error:?}"))
    }
}
