//! Times as the catalogue stores them.

use std::fmt;

use crate::random::Random;

const DAY_SECONDS: u64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z; displayed as RFC 3339 UTC, `2025-11-15T12:00:00Z`, which
/// sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// The time of the catalogue, 2025-11-15T12:00:00Z: it contains no later one.
pub const TAKEN: Timestamp = Timestamp(1_763_208_000);

impl Timestamp {
    /// A random time in the `days` before this one.
    pub fn some_time_before(self, days: u32, random: &mut Random) -> Self {
        let back = u64::from(random.below(days)) * DAY_SECONDS
            + u64::from(random.below(DAY_SECONDS as u32));
        Self(self.0.saturating_sub(back))
    }

    /// `count` such times, the earliest first: creation times of rows with ascending ids.
    pub fn times_before(self, days: u32, count: u32, random: &mut Random) -> Vec<Self> {
        let mut moments: Vec<_> = (0..count)
            .map(|_| self.some_time_before(days, random))
            .collect();
        moments.sort_unstable();
        moments
    }

    /// A random time between this one and [`TAKEN`]; late ones are more likely.
    pub fn some_time_after(self, random: &mut Random) -> Self {
        let span = u32::try_from(TAKEN.0.saturating_sub(self.0)).unwrap_or(u32::MAX);
        let back = random.below(span).min(random.below(span));
        Self(TAKEN.0 - u64::from(back))
    }
}

impl fmt::Display for Timestamp {
    /// Converts days to a date with `civil_from_days` of Howard Hinnant's "chrono-Compatible
    /// Low-Level Date Algorithms".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 / DAY_SECONDS + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Months count from March, which is 0.
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);

        let second_of_day = self.0 % DAY_SECONDS;
        let hour = second_of_day / 3_600;
        let minute = second_of_day / 60 % 60;
        let second = second_of_day % 60;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_displayed_as_rfc_3339() {
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
    fn a_later_time_is_not_later_than_the_catalogue() {
        let mut random = Random::for_table(1, "test");
        for _ in 0..1000 {
            let created = TAKEN.some_time_before(2_000, &mut random);
            let updated = created.some_time_after(&mut random);
            assert!(created <= updated && updated <= TAKEN);
        }
    }
}
