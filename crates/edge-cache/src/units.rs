//! Numbers as text for people: sizes, durations, uptimes, rates and times, in the formats of the
//! HTTP contract.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Turns random bits into a number, uniform in 0..1.
pub(crate) fn uniform(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// Formats a size as Redis does: `12B`, `4.2K`, `24.3M`, `1.1G` (powers of 1024, one decimal).
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, char); 4] = [
        (1 << 40, 'T'),
        (1 << 30, 'G'),
        (1 << 20, 'M'),
        (1 << 10, 'K'),
    ];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, letter)) => format!("{:.1}{letter}", bytes as f64 / *unit as f64),
        None => format!("{bytes}B"),
    }
}

/// Formats a duration: `12ms`, `3.2s`, `2m 5s`.
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

/// Formats a latency: below 10 ms with two decimals (`0.18ms`), else like [`duration`].
pub fn latency(latency: Duration) -> String {
    let shown = latency_ms(latency);
    if latency < Duration::from_millis(10) {
        format!("{shown:.2}ms")
    } else {
        duration(latency)
    }
}

/// A latency in milliseconds with two decimals, for the JSON fields named `latencyMs`.
pub fn latency_ms(latency: Duration) -> f64 {
    (latency.as_secs_f64() * 100_000.0).round() / 100.0
}

/// Formats an uptime, from the largest unit that is not zero: `3d 5h 23m`.
pub fn uptime(seconds: u64) -> String {
    let days = seconds / 86_400;
    let hours = seconds / 3_600 % 24;
    let minutes = seconds / 60 % 60;
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h {minutes}m"),
    }
}

/// Formats a rate from 0 to 1 in percent: `87.3%`.
pub fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

/// Formats the current time like [`timestamp`].
pub fn now() -> String {
    timestamp(SystemTime::now())
}

/// Milliseconds since 1970, as times are stored. Times before 1970 become 0.
pub fn since_1970_ms(at: SystemTime) -> u64 {
    milliseconds(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The current time in milliseconds since 1970.
pub fn now_ms() -> u64 {
    since_1970_ms(SystemTime::now())
}

/// Formats milliseconds since 1970 like [`timestamp`].
pub fn timestamp_of_ms(ms: u64) -> String {
    timestamp(UNIX_EPOCH + Duration::from_millis(ms))
}

/// Formats a time in RFC 3339, UTC, with milliseconds: `2025-11-15T12:30:45.123Z`. Times before 1970
/// or after 9999, which only a stored value can claim, become the nearest of these.
pub fn timestamp(at: SystemTime) -> String {
    let last = UNIX_EPOCH + Duration::from_millis(253_402_300_799_999);
    humantime::format_rfc3339_millis(at.clamp(UNIX_EPOCH, last)).to_string()
}

/// Rounds to one decimal, for the numbers beside formatted strings.
pub fn one_decimal(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Whole milliseconds, for the JSON fields named `...Ms`.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds, for sums of short durations.
pub fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_formatted_as_redis_does() {
        let cases = [
            (0, "0B"),
            (12, "12B"),
            (1023, "1023B"),
            (4301, "4.2K"),
            (25_480_397, "24.3M"),
            (1_181_116_006, "1.1G"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn a_duration_changes_its_unit_without_a_gap() {
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
    fn a_latency_below_a_millisecond_is_not_zero() {
        let cases = [
            (180, "0.18ms"),
            (4, "0.00ms"),
            (9_994, "9.99ms"),
            (9_996, "10.00ms"),
            (10_400, "10ms"),
            (400_000, "400ms"),
            (1_200_000, "1.2s"),
        ];

        for (microseconds, shown) in cases {
            assert_eq!(latency(Duration::from_micros(microseconds)), shown);
        }

        assert_eq!(latency_ms(Duration::from_micros(184)), 0.18);
    }

    #[test]
    fn an_uptime_starts_at_its_largest_unit() {
        let cases = [
            (59, "0m"),
            (23 * 60, "23m"),
            (5 * 3_600, "5h 0m"),
            (3 * 86_400 + 5 * 3_600 + 23 * 60, "3d 5h 23m"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(uptime(seconds), shown);
        }
    }

    #[test]
    fn a_time_is_in_utc_with_milliseconds() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_209_845_123);
        assert_eq!(timestamp(at), "2025-11-15T12:30:45.123Z");
        assert_eq!(
            timestamp(UNIX_EPOCH + Duration::from_millis(u64::MAX)),
            "9999-12-31T23:59:59.999Z"
        );
    }
}
