//! Moments in time, as the catalogue stores them.

use std::fmt;

use crate::random::Random;

const DAY_SECONDS: u64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z; displayed as RFC 3339 UTC, `2025-11-15T12:00:00Z`, which sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// The moment the catalogue was taken: nothing in it is later.
pub const TAKEN: Timestamp = Timestamp(1_763_208_000); // 2025-11-15T12:00:00Z

impl Timestamp {
    /// A moment of the `days` before this one.
    pub fn some_time_before(self, days: u32, random: &mut Random) -> Self {
        let back = u64::from(random.below(days)) * DAY_SECONDS + u64::from(random.below(DAY_SECONDS as u32));
        Self(self.0.saturating_sub(back))
    }

    /// `count` such moments, the earliest first: when rows with ascending ids came to be.
    pub fn times_before(self, days: u32, count: u32, random: &mut Random) -> Vec<Self> {
        let mut moments: Vec<_> = (0..count).map(|_| self.some_time_before(days, random)).collect();
        moments.sort_unstable();
        moments
    }

    /// A moment between this one and [`TAKEN`], likelier to be late than early.
    pub fn some_time_after(self, random: &mut Random) -> Self {
        let span = u32::try_from(TAKEN.0.saturating_sub(self.0)).unwrap_or(u32::MAX);
        let back = random.below(span).min(random.below(span));
        Self(TAKEN.0 - u64::from(back))
    }
}

impl fmt::Display for Timestamp {
    /// Days to date as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms" (`civil_from_days`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 / DAY_SECONDS + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153; // March is 0
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let second = self.0 % DAY_SECONDS;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_displayed_as_rfc_3339() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (TAKEN.0, "2025-11-15T12:00:00Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), expected);
        }
    }

    #[test]
    fn what_happens_after_a_moment_is_not_later_than_the_catalogue() {
        let mut random = Random::for_table(1, "test");
        for _ in 0..1000 {
            let created = TAKEN.some_time_before(2_000, &mut random);
            let updated = created.some_time_after(&mut random);
            assert!(created <= updated && updated <= TAKEN);
        }
    }
}
