//! Times of requests.

use std::time::{Duration, SystemTime};

/// The length of an offset, such as `+02:00`.
const OFFSET_BYTES: usize = 6;

/// Parses a time of RFC 3339, such as `2026-03-01T02:10:00Z` or `2026-03-01T02:10:00.5+02:00`.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(text).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(OFFSET_BYTES)?)?;
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let number = |digits: &str, max| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = is_number.then(|| digits.parse::<u64>().ok())??;
        (number <= max).then_some(number)
    };

    let ahead = Duration::from_secs(3600 * number(hours, 23)? + 60 * number(minutes, 59)?);
    match offset.get(..1)? {
        "+" => local.checked_sub(ahead),
        "-" => local.checked_add(ahead),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_the_local_time_ahead_of_utc() {
        let utc = parse_rfc3339("2026-03-01T00:10:00Z");

        assert!(utc.is_some());
        assert_eq!(parse_rfc3339("2026-03-01T02:10:00+02:00"), utc);
        assert_eq!(parse_rfc3339("2026-02-28T20:40:00.000-03:30"), utc);
        for wrong in [
            "",
            "tomorrow",
            "2026-03-01",
            "2026-03-01T00:10:00",
            "2026-03-01T00:10:00+2:00",
            "2026-03-01T00:10:00+24:00",
            "2026-03-01T00:10:00\u{e9}02:00",
        ] {
            assert_eq!(parse_rfc3339(wrong), None, "{wrong}");
        }
    }
}
