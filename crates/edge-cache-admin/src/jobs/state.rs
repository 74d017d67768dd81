//! States of jobs, and the transitions that callers may request.

use serde::Serialize;

/// The state of a job. Finishing, failing and cancelling mean that the end is not in the audit
/// trail yet; responses show the final state instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits for its time.
    Scheduled,
    /// Waits for a worker.
    Queued,
    /// A worker advances it, or has been killed.
    Running,
    /// Waits until a caller resumes it.
    Paused,
    /// Cancelled, and not settled.
    Cancelling,
    /// Cancelled.
    Cancelled,
    /// Failed, and not settled.
    Failing,
    /// Failed.
    Failed,
    /// Done, and not settled.
    Finishing,
    /// Done.
    Done,
}

/// States by the names under which they are stored.
const NAMES: [(JobState, &str); 10] = [
    (JobState::Scheduled, "scheduled"),
    (JobState::Queued, "queued"),
    (JobState::Running, "running"),
    (JobState::Paused, "paused"),
    (JobState::Cancelling, "cancelling"),
    (JobState::Cancelled, "cancelled"),
    (JobState::Failing, "failing"),
    (JobState::Failed, "failed"),
    (JobState::Finishing, "finishing"),
    (JobState::Done, "done"),
];

/// States in responses.
const SHOWN: [&str; 7] = [
    "scheduled",
    "queued",
    "running",
    "paused",
    "cancelled",
    "failed",
    "done",
];

/// A transition that a caller requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobChange {
    /// Stops a job for good.
    Cancel,
    /// Stops a job until it is resumed.
    Pause,
    /// Queues a paused job.
    Resume,
}

impl JobState {
    /// The name under which it is stored.
    pub(super) fn stored_name(self) -> &'static str {
        let found = NAMES.iter().find(|(state, _)| *state == self);
        found.map_or("", |(_, name)| name)
    }

    /// Reads a stored name.
    pub(super) fn parse_stored(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(state, _)| *state)
    }

    /// The state that it is shown as.
    pub fn name(self) -> &'static str {
        self.settled().stored_name()
    }

    /// The state once its end is in the audit trail.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Cancelling => Self::Cancelled,
            Self::Failing => Self::Failed,
            Self::Finishing => Self::Done,
            other => other,
        }
    }

    /// Returns whether its end is not in the audit trail yet.
    pub(super) fn is_settling(self) -> bool {
        self.settled() != self
    }

    /// Returns whether the job has ended.
    pub fn has_ended(self) -> bool {
        matches!(self.settled(), Self::Cancelled | Self::Failed | Self::Done)
    }

    /// Names under which states are stored that are shown as this; `None` if no state is.
    pub(super) fn stored_names_shown_as(shown: &str) -> Option<Vec<&'static str>> {
        if !SHOWN.contains(&shown) {
            return None;
        }
        let names = NAMES.iter().filter(|(state, _)| state.name() == shown);
        Some(names.map(|(_, name)| *name).collect())
    }

    /// The states that jobs are shown in, for errors.
    pub(super) fn shown_names() -> String {
        SHOWN.join(", ")
    }
}

impl Serialize for JobState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JobChange {
    /// The action of its audit record.
    pub fn action(self) -> &'static str {
        match self {
            Self::Cancel => "job-cancel",
            Self::Pause => "job-pause",
            Self::Resume => "job-resume",
        }
    }

    /// The state that it leads to.
    pub(super) fn target(self) -> JobState {
        match self {
            Self::Cancel => JobState::Cancelling,
            Self::Pause => JobState::Paused,
            Self::Resume => JobState::Queued,
        }
    }

    /// The states that allow it.
    pub(super) fn sources(self) -> &'static [JobState] {
        match self {
            Self::Cancel => &[
                JobState::Scheduled,
                JobState::Queued,
                JobState::Running,
                JobState::Paused,
            ],
            Self::Pause => &[JobState::Queued, JobState::Running],
            Self::Resume => &[JobState::Paused],
        }
    }

    /// The participle for messages.
    pub(super) fn participle(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back() {
        for (state, name) in NAMES {
            assert_eq!(state.stored_name(), name);
            assert_eq!(JobState::parse_stored(name), Some(state));
        }
        assert_eq!(JobState::parse_stored("other"), None);
    }

    #[test]
    fn an_end_that_is_not_recorded_is_shown_as_the_end() {
        assert_eq!(JobState::Finishing.name(), "done");
        assert_eq!(
            JobState::stored_names_shown_as("cancelled"),
            Some(vec!["cancelling", "cancelled"])
        );
        assert_eq!(JobState::stored_names_shown_as("cancelling"), None);
        assert!(JobState::Failing.has_ended());
    }

    #[test]
    fn no_change_leads_out_of_an_end() {
        for change in [JobChange::Cancel, JobChange::Pause, JobChange::Resume] {
            assert!(change.sources().iter().all(|state| !state.has_ended()));
        }
    }
}
