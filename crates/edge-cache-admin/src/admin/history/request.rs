//! A checked `GET /history`.

use std::time::SystemTime;

use edge_cache::units;

use super::{MAX_MINUTES, MINUTE_MS, QUARTER_MS};
use crate::error::Error;
use crate::input::Parameters;

/// The range without `from`.
const DEFAULT_RANGE_MS: u64 = 86_400_000;
/// The longest range: as long as rows are kept, and some more.
const MAX_RANGE_MS: u64 = 32 * 86_400_000;
/// The longest step.
const MAX_STEP_SECONDS: u64 = 86_400;
/// The most steps of a range, and how many without a `step`.
const MAX_STEPS: u64 = MAX_MINUTES + 60;
const MAX_DEFAULT_STEPS: u64 = 500;
/// The most steps with nodes or modules, which make a row long.
const MAX_STEPS_WITH_PARTS: u64 = 400;
/// Steps that are tried without a `step`, in milliseconds.
const DEFAULT_STEPS_MS: [u64; 6] = [
    MINUTE_MS, 300_000, QUARTER_MS, 3_600_000, 10_800_000, 86_400_000,
];

/// The parts of the sums that rows have, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    None,
    Nodes,
    Modules,
}

/// A checked `GET /history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRequest {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) step_ms: u64,
    pub(super) parts: Parts,
}

impl HistoryRequest {
    /// Reads `from` and `to` (RFC 3339 in UTC; by default the last 24 hours), `step` (seconds) and `by`
    /// (`nodes` or `modules`).
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str, now: SystemTime) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let now_ms = units::since_1970_ms(now);
        let to_ms = time(&mut parameters, "to")?.unwrap_or(now_ms);
        let from_ms = time(&mut parameters, "from")?;
        let from_ms = from_ms.unwrap_or_else(|| to_ms.saturating_sub(DEFAULT_RANGE_MS));
        let step = parameters.optional_number("step", MAX_STEP_SECONDS)?;
        let parts = parts(&mut parameters)?;
        parameters.reject_unknown("from, to, step, by")?;

        if from_ms >= to_ms {
            return Err(Error::invalid("from", "must be before `to`"));
        }
        if to_ms - from_ms > MAX_RANGE_MS {
            return Err(Error::invalid(
                "from",
                "must be at most 32 days before `to`",
            ));
        }
        let is_recent = from_ms.saturating_add(DEFAULT_RANGE_MS + QUARTER_MS) >= now_ms;
        let steps = Steps {
            range_ms: to_ms - from_ms,
            is_recent,
            parts,
        };
        Ok(Self {
            from_ms,
            to_ms,
            step_ms: steps.choose(step)?,
            parts,
        })
    }
}

/// The bounds of the step.
struct Steps {
    range_ms: u64,
    /// Rows of minutes reach back to its beginning.
    is_recent: bool,
    parts: Parts,
}

impl Steps {
    fn max(&self) -> u64 {
        if self.parts == Parts::None {
            MAX_STEPS
        } else {
            MAX_STEPS_WITH_PARTS
        }
    }

    /// The shortest step, in milliseconds.
    fn unit_ms(&self) -> u64 {
        if self.is_recent {
            MINUTE_MS
        } else {
            QUARTER_MS
        }
    }

    fn choose(&self, seconds: Option<u64>) -> Result<u64, Error> {
        let unit_ms = self.unit_ms();
        let Some(seconds) = seconds else {
            let max = self.max().min(MAX_DEFAULT_STEPS);
            let fits = |step: &&u64| **step >= unit_ms && self.range_ms / **step <= max;
            let step = DEFAULT_STEPS_MS.iter().find(fits);
            return Ok(step.copied().unwrap_or(MAX_STEP_SECONDS * 1000));
        };

        let step_ms = seconds * 1000;
        if !step_ms.is_multiple_of(unit_ms) {
            let problem = format!(
                "must be a multiple of {} s: a day is kept by minutes, and 30 days by quarters of an hour",
                unit_ms / 1000
            );
            return Err(Error::invalid("step", problem));
        }
        if self.range_ms / step_ms > self.max() {
            let problem = format!(
                "must be longer: at most {} steps fit into a response",
                self.max()
            );
            return Err(Error::invalid("step", problem));
        }
        Ok(step_ms)
    }
}

fn parts(parameters: &mut Parameters) -> Result<Parts, Error> {
    match parameters.text("by")?.as_deref() {
        None => Ok(Parts::None),
        Some("nodes") => Ok(Parts::Nodes),
        Some("modules") => Ok(Parts::Modules),
        Some(_) => Err(Error::invalid("by", "must be nodes or modules")),
    }
}

fn time(parameters: &mut Parameters, name: &'static str) -> Result<Option<u64>, Error> {
    let Some(text) = parameters.text(name)? else {
        return Ok(None);
    };
    let problem = "must be a time in UTC, such as 2026-01-31T12:00:00Z";
    let at = humantime::parse_rfc3339(&text).map_err(|_| Error::invalid(name, problem))?;
    Ok(Some(units::since_1970_ms(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<HistoryRequest, Error> {
        let now = humantime::parse_rfc3339("2026-01-31T12:00:00Z").unwrap();
        HistoryRequest::parse(query, now)
    }

    #[test]
    fn without_a_step_there_are_at_most_500_rows() {
        for (query, step_ms) in [
            ("", 300_000),
            ("from=2026-01-31T11:00:00Z", 60_000),
            ("from=2026-01-24T12:00:00Z", 3_600_000),
            ("from=2026-01-01T12:00:00Z", 10_800_000),
            ("from=2026-01-20T12:00:00Z&to=2026-01-20T13:00:00Z", 900_000),
            ("by=modules", 300_000),
        ] {
            assert_eq!(parse(query).unwrap().step_ms, step_ms, "{query}");
        }
    }

    #[test]
    fn minutes_reach_back_a_day() {
        assert_eq!(parse("step=60").unwrap().step_ms, 60_000);
        assert!(parse("from=2026-01-29T12:00:00Z&to=2026-01-29T13:00:00Z&step=60").is_err());
        assert!(parse("from=2026-01-29T12:00:00Z&step=900").is_ok());
    }

    #[test]
    fn a_bad_parameter_is_named() {
        for (query, field) in [
            ("from=yesterday", "from"),
            ("to=2026-01-31", "to"),
            ("from=2026-01-31T12:00:00Z&to=2026-01-31T12:00:00Z", "from"),
            ("from=2025-01-31T12:00:00Z", "from"),
            ("step=0", "step"),
            ("step=61", "step"),
            ("step=86401", "step"),
            ("step=60&by=modules", "step"),
            ("by=keys", "by"),
            ("until=1", "until"),
        ] {
            let error = parse(query).unwrap_err();
            assert!(
                matches!(&error, Error::Invalid { field: named, .. } if named == field),
                "{query}: {error}"
            );
        }
    }
}
