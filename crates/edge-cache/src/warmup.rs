//! Warming the cache up: a plan says what to load from where, and one warmup at a time carries it out.
//!
//! The lock and the progress live in Redis, so it does not matter which instance runs the warmup and which is asked.

mod entry;
mod plan;
mod progress;
mod run;
pub mod schedule;
mod source;
mod status;
mod write;

pub use plan::{Entry, Module, Origin, Plan, PlanError, Shape};
pub use progress::{Overview, cancel, follow, overview, progress};
pub use run::{Limits, Warmup};
pub use source::{Rows, Source};
pub use status::{LastRun, ModuleState, ModuleStatus, State, Status};

use crate::body::{self, Fields};
use crate::error::Error;

/// The most modules a request may name.
const MAX_MODULES: usize = 100;

/// A checked `POST /warmup`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The modules to warm, empty for all.
    pub modules: Vec<String>,
    /// Whether keys that exist are written again.
    pub force: bool,
    /// Whether to load and count without writing.
    pub dry_run: bool,
}

impl Request {
    /// Reads `{modules?, force?, dryRun?}`; an empty list of modules means all.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, a module that the plan has not included.
    pub fn parse(body: &[u8], plan: &Plan) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let modules = fields.list("modules", MAX_MODULES, |field, value| {
            let name = body::string(field, value)?;
            match plan.modules.iter().any(|module| module.name == name) {
                true => Ok(name),
                false => Err(Error::invalid(field, format!("must be one of {}", plan.names()))),
            }
        })?;
        let (force, dry_run) = (fields.flag("force")?, fields.flag("dryRun")?);
        fields.finish("modules, force, dryRun")?;
        Ok(Self { modules, force, dry_run })
    }

    /// The request in words, for the audit trail.
    pub fn describe(&self) -> String {
        let modules = if self.modules.is_empty() { "all".into() } else { self.modules.join(", ") };
        format!("modules: {modules}; force: {}", self.force)
    }
}
