//! Requests for a warmup.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::error::Error;
use crate::input::{self, Fields};

/// The most modules a request may name.
const MAX_MODULES: usize = 100;

/// A checked `POST /warmup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmupRequest {
    /// The modules to warm; empty: all.
    pub modules: Vec<String>,
    /// Overwrite existing keys.
    pub force: bool,
    /// Load and count without writing.
    pub dry_run: bool,
    /// Begin a job.
    #[serde(skip)]
    pub is_async: bool,
}

impl WarmupRequest {
    /// Reads `{modules?, force?, dryRun?, async?}`; an empty list of modules means all.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body and for a module that is not in the
    /// plan.
    pub fn parse(body: &[u8], plan: &Plan) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;

        let modules = fields.list("modules", MAX_MODULES, |field, value| {
            let name = input::read_string(field, value)?;
            match plan.module(&name) {
                Some(_) => Ok(name),
                None => Err(Error::invalid(field, describe_allowed(plan))),
            }
        })?;
        let force = fields.flag("force")?;
        let dry_run = fields.flag("dryRun")?;
        let is_async = fields.flag("async")?;
        fields.reject_unknown("modules, force, dryRun, async")?;

        Ok(Self {
            modules,
            force,
            dry_run,
            is_async,
        })
    }

    /// True if the module is to be warmed.
    pub(super) fn includes(&self, module: &str) -> bool {
        self.modules.is_empty() || self.modules.iter().any(|name| name == module)
    }

    /// The request in words, for the audit trail: `products, users, overwriting existing keys`.
    pub fn describe(&self) -> String {
        let mut words = if self.modules.is_empty() {
            "all modules".to_owned()
        } else {
            self.modules.join(", ")
        };
        if self.force {
            words.push_str(", overwriting existing keys");
        }
        words
    }
}

fn describe_allowed(plan: &Plan) -> String {
    if plan.is_empty() {
        "cannot name a module: the plan has none".to_owned()
    } else {
        format!("must be one of {}", plan.module_names())
    }
}
