//! The effect of an invalidation on entries: hard, it removes them; soft, it marks them stale.

use std::time::Duration;

use crate::error::Error;
use crate::units::milliseconds;

/// The effect of an invalidation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PurgeMode {
    /// Entries are removed.
    #[default]
    Hard,
    /// Entries are marked stale ([`crate::keyspace::soft_purge`]).
    Soft(SoftGrace),
}

/// How long entries without grace may be served after a soft purge: 1 second to 1 day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SoftGrace(Duration);

impl PurgeMode {
    /// Returns whether entries are marked stale.
    pub fn is_soft(self) -> bool {
        self != Self::Hard
    }
}

impl SoftGrace {
    /// The longest.
    pub const MAX: Duration = Duration::from_secs(86_400);
    /// The shortest.
    pub const MIN: Duration = Duration::from_secs(1);

    /// Checks a duration that a caller names as `field`.
    ///
    /// # Errors
    /// [`Error::Invalid`] outside 1 second to 1 day.
    pub fn new(field: &str, grace: Duration) -> Result<Self, Error> {
        if (Self::MIN..=Self::MAX).contains(&grace) {
            return Ok(Self(grace));
        }
        let problem = format!(
            "must be from {} to {} seconds",
            Self::MIN.as_secs(),
            Self::MAX.as_secs()
        );
        Err(Error::invalid(field, problem))
    }

    /// The duration.
    pub fn duration(self) -> Duration {
        self.0
    }

    /// The duration in milliseconds.
    pub(crate) fn milliseconds(self) -> u64 {
        milliseconds(self.0)
    }

    /// Reads the duration of a recorded soft purge; anything out of range counts as the nearest.
    pub(crate) fn stored(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds).clamp(Self::MIN, Self::MAX))
    }
}

impl Default for SoftGrace {
    /// 60 seconds.
    fn default() -> Self {
        Self(Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_grace_is_from_a_second_to_a_day() {
        let new = |seconds| SoftGrace::new("softGraceSeconds", Duration::from_secs(seconds));

        assert_eq!(new(60).unwrap(), SoftGrace::default());
        for seconds in [0, 86_401] {
            let error = new(seconds).unwrap_err().to_string();
            assert!(error.contains("from 1 to 86400 seconds"), "{error}");
        }
    }
}
