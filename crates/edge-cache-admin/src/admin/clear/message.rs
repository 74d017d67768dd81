//! Messages of responses to clears.

use super::{ClearRequest, Target};

impl ClearRequest {
    /// The message of the response.
    pub fn message(&self) -> String {
        let met = match self.conditions() {
            Some(conditions) => format!(" ({conditions})"),
            None => String::new(),
        };
        match (&self.target, self.dry_run) {
            (Target::Pattern(pattern), false) => {
                format!("Cache cleared for pattern: {}{met}", pattern.display())
            }
            (Target::Pattern(pattern), true) => {
                let pattern = pattern.display();
                format!("Dry run for pattern: {pattern}{met}; nothing was deleted")
            }
            (Target::Everything, false) if met.is_empty() => "Full cache cleared".into(),
            (Target::Everything, false) => format!("Cache cleared{met}"),
            (Target::Everything, true) => {
                format!("Dry run of a full clear{met}; nothing was deleted")
            }
        }
    }
}
