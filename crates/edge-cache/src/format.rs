//! How numbers are shown to people: sizes, durations, uptimes, rates and times, in the formats of the contract.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A size as Redis prints it: `12B`, `4.2K`, `24.3M`, `1.1G` (powers of 1024, one decimal).
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, char); 4] = [(1 << 40, 'T'), (1 << 30, 'G'), (1 << 20, 'M'), (1 << 10, 'K')];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, letter)) => format!("{:.1}{letter}", bytes as f64 / *unit as f64),
        None => format!("{bytes}B"),
    }
}

/// A duration: `12ms`, `3.2s`, `2m 5s`.
pub fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0..=999 => format!("{milliseconds}ms"),
        // 59.95 s would print as "60.0s".
        1_000..=59_949 => format!("{:.1}s", duration.as_secs_f64()),
        _ => {
            let seconds = (duration.as_secs_f64()).round() as u64;
            format!("{}m {}s", seconds / 60, seconds % 60)
        }
    }
}

/// An uptime: `3d 5h 23m`, from the largest unit that is not zero.
pub fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h {minutes}m"),
    }
}

/// A rate from 0 to 1 in percent: `87.3%`.
pub fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

/// The time of now, as [`timestamp`] writes it.
pub fn now() -> String {
    timestamp(SystemTime::now())
}

/// A time in RFC 3339, UTC, with milliseconds: `2025-11-15T12:30:45.123Z`. One that it has no digits for, as only a stored value can
/// claim, is told as the nearest it has.
pub fn timestamp(at: SystemTime) -> String {
    let last = UNIX_EPOCH + Duration::from_millis(253_402_300_799_999);
    humantime::format_rfc3339_millis(at.clamp(UNIX_EPOCH, last)).to_string()
}

/// Rounds to one decimal, for the numbers beside the strings above.
pub(crate) fn one_decimal(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Whole milliseconds, for the JSON fields named `...Ms`.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in whole microseconds, for sums of short ones.
pub(crate) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_redis_prints_them() {
        let cases =
            [(0, "0B"), (12, "12B"), (1023, "1023B"), (4301, "4.2K"), (25_480_397, "24.3M"), (1_181_116_006, "1.1G")];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn durations_change_their_unit_without_a_gap() {
        let cases = [
            (12, "12ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (3_200, "3.2s"),
            (59_949, "59.9s"),
            (59_950, "1m 0s"),
            (125_000, "2m 5s"),
        ];
        for (milliseconds, shown) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), shown);
        }
    }

    #[test]
    fn uptimes_start_at_the_largest_unit() {
        let cases =
            [(59, "0m"), (23 * 60, "23m"), (5 * 3_600, "5h 0m"), (3 * 86_400 + 5 * 3_600 + 23 * 60, "3d 5h 23m")];
        for (seconds, shown) in cases {
            assert_eq!(uptime(seconds), shown);
        }
    }

    #[test]
    fn times_have_milliseconds_and_are_utc() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_209_845_123);
        assert_eq!(timestamp(at), "2025-11-15T12:30:45.123Z");
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_millis(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
