//! Messages of responses to clears.

use edge_cache::keyspace::purge::PurgeMode;

use super::{ClearRequest, Target};

impl ClearRequest {
    /// The message of the response.
    pub fn message(&self) -> String {
        let met = match self.conditions() {
            Some(conditions) => format!(" ({conditions})"),
            None => String::new(),
        };
        if self.dry_run {
            return self.dry_run_message(&met);
        }
        match (&self.target, self.mode) {
            (Target::Pattern(pattern), PurgeMode::Hard) => {
                format!("Cache cleared for pattern: {}{met}", pattern.display())
            }
            (Target::Pattern(pattern), PurgeMode::Soft(_)) => {
                let pattern = pattern.display();
                format!("Cache marked stale for pattern: {pattern}{met}")
            }
            (Target::Everything, PurgeMode::Hard) if met.is_empty() => "Full cache cleared".into(),
            (Target::Everything, PurgeMode::Hard) => format!("Cache cleared{met}"),
            (Target::Everything, PurgeMode::Soft(_)) => format!("Cache marked stale{met}"),
        }
    }

    fn dry_run_message(&self, met: &str) -> String {
        let nothing = if self.mode.is_soft() {
            "nothing was marked stale"
        } else {
            "nothing was deleted"
        };
        match &self.target {
            Target::Pattern(pattern) => {
                format!("Dry run for pattern: {}{met}; {nothing}", pattern.display())
            }
            Target::Everything => format!("Dry run of a full clear{met}; {nothing}"),
        }
    }
}
