//! The envelope of responses, and numbers formatted for people.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Redis or the database failed.
pub(crate) struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "success": false, "status": 503, "title": "Service Unavailable", "detail": self.0 });
        (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
    }
}

/// Adds success and timestamp to the fields of a body.
pub(crate) fn envelope(mut body: Value) -> Json<Value> {
    body["success"] = true.into();
    body["timestamp"] = timestamp().into();
    Json(body)
}

/// Adds the duration.
pub(crate) fn timed(started: Instant, mut stats: Value) -> Value {
    let ms = started.elapsed().as_millis() as u64;
    stats["duration"] = if ms < 1000 {
        format!("{ms}ms")
    } else {
        format!("{:.1}s", ms as f64 / 1000.0)
    }
    .into();
    stats["durationMs"] = ms.into();
    stats
}

/// Formats the current time as RFC 3339 in UTC with milliseconds; the date by Howard Hinnant's
/// `civil_from_days`.
pub(crate) fn timestamp() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (days, seconds) = (
        (since.as_secs() / 86400) as i64 + 719_468,
        since.as_secs() % 86400,
    );
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (
        day_of_year - (153 * shifted + 2) / 5 + 1,
        if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        },
    );

    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    )
}

/// Formats bytes as Redis does: `12B`, `4.2K`, `24.3M`.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut units = ["B", "K", "M", "G", "T"].into_iter();
    let mut unit = units.next();
    while value >= 1024.0 && units.len() > 0 {
        value /= 1024.0;
        unit = units.next();
    }
    match unit {
        Some("B") | None => format!("{count}B"),
        Some(unit) => format!("{value:.1}{unit}"),
    }
}

/// Formats seconds as `3d 5h 23m`.
pub(crate) fn uptime(seconds: u64) -> String {
    match (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, minutes) => format!("{days}d {hours}h {minutes}m"),
    }
}
