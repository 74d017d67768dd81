//! Judging figures over time: an alert is raised after its figure was past the threshold for a while,
//! and ends after it was back for as long, past a second threshold. So alerts do not flap.
//!
//! ```text
//! hit rate in percent, threshold 70, ends at 75, 60 s:
//! 12:00:00 68  waits          12:00:30 69  waits          12:01:00 66  raised
//! 12:01:30 72  stays raised   12:02:00 76  calm           12:02:30 74  stays raised
//! 12:03:00 77  calm           12:04:00 78  ended
//! ```
//!
//! Each sample of the counters has the alerts of its time. The next judgement, for a reader or for the
//! schedule, begins with them. Without a sample in the window, as at first, the figures of now alone
//! decide.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use edge_cache::units;
use serde::{Deserialize, Serialize};

use crate::admin::alert::{Alert, AlertBasis};

/// How alerts stand, by their kinds.
pub(super) type AlertStates = BTreeMap<String, AlertState>;

/// A figure that is, or lately was, past its threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AlertState {
    /// When it was first seen past the threshold.
    since_ms: u64,
    /// The alert is raised; else the figure was not past the threshold for long enough.
    raised: bool,
    /// Since when it is back, past the second threshold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    calm_since_ms: Option<u64>,
}

/// A figure with its thresholds, as an alert would report them.
#[derive(Debug)]
pub(super) struct Measured {
    /// The alert, if it is raised.
    pub(super) alert: Alert,
    /// The threshold at which it ends.
    pub(super) clear_threshold: f64,
    /// True if a value above the threshold is bad, as of latency; else one below it, as of a hit rate.
    pub(super) is_bad_above: bool,
}

impl Measured {
    fn is_past(&self, threshold: f64) -> bool {
        if self.is_bad_above {
            self.alert.value > threshold
        } else {
            self.alert.value < threshold
        }
    }
}

/// The time of a judgement, and what came before it.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub(super) now_ms: u64,
    /// How alerts stood at the newest sample of the window; `None` without one.
    pub(super) before: Option<&'a AlertStates>,
    /// How long a figure must be past a threshold.
    pub(super) after_ms: u64,
}

impl Moment<'_> {
    /// Judges figures. Returns the raised alerts in their order, and how all stand now.
    pub(super) fn judge(&self, figures: Vec<Measured>) -> (Vec<Alert>, AlertStates) {
        let mut alerts = Vec::new();
        let mut states = AlertStates::new();
        for measured in figures {
            let Some(state) = self.next(&measured) else {
                continue;
            };
            let kind = measured.alert.kind;
            if state.raised {
                alerts.push(self.raise(measured, &state));
            }
            states.insert(kind.to_owned(), state);
        }
        (alerts, states)
    }

    fn next(&self, measured: &Measured) -> Option<AlertState> {
        let is_past = measured.is_past(measured.alert.threshold);
        let before = self
            .before
            .and_then(|states| states.get(measured.alert.kind));
        match before {
            Some(raised) if raised.raised => self.stay_raised(raised, measured),
            _ if !is_past => None,
            waiting => Some(self.wait(waiting)),
        }
    }

    /// The state of a figure that is past its threshold.
    fn wait(&self, waiting: Option<&AlertState>) -> AlertState {
        let since_ms = waiting.map_or(self.now_ms, |state| state.since_ms);
        let is_long = self.now_ms.saturating_sub(since_ms) >= self.after_ms;
        AlertState {
            since_ms,
            raised: is_long || self.before.is_none(),
            calm_since_ms: None,
        }
    }

    /// The state of a raised alert; `None` at its end.
    fn stay_raised(&self, raised: &AlertState, measured: &Measured) -> Option<AlertState> {
        let is_calm = !measured.is_past(measured.clear_threshold);
        let calm_since_ms = is_calm.then(|| raised.calm_since_ms.unwrap_or(self.now_ms));
        let is_over = |since_ms| self.now_ms.saturating_sub(since_ms) >= self.after_ms;
        let state = AlertState {
            calm_since_ms,
            ..raised.clone()
        };
        (!calm_since_ms.is_some_and(is_over)).then_some(state)
    }

    fn raise(&self, measured: Measured, state: &AlertState) -> Alert {
        let since = UNIX_EPOCH + Duration::from_millis(state.since_ms);
        let basis = match self.before {
            Some(_) => AlertBasis::Window,
            None => AlertBasis::Now,
        };
        Alert {
            clear_threshold: Some(measured.clear_threshold),
            since: Some(units::timestamp(since)),
            basis,
            ..measured.alert
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER_MS: u64 = 60_000;

    fn hit_rate(value: f64) -> Measured {
        Measured {
            alert: Alert::new("hit_rate", "low".to_owned(), value, 70.0),
            clear_threshold: 75.0,
            is_bad_above: false,
        }
    }

    /// Judges a hit rate at these seconds, each time from what was found before.
    fn raised_at(values: &[(u64, f64)]) -> Vec<u64> {
        let mut before = AlertStates::new();
        let mut raised = Vec::new();
        for &(second, value) in values {
            let moment = Moment {
                now_ms: second * 1000,
                before: Some(&before),
                after_ms: AFTER_MS,
            };
            let (alerts, states) = moment.judge(vec![hit_rate(value)]);
            raised.extend(alerts.first().map(|_| second));
            before = states;
        }
        raised
    }

    #[test]
    fn a_figure_must_be_past_its_threshold_for_a_while() {
        assert_eq!(raised_at(&[(0, 68.0), (30, 69.0), (59, 1.0)]), [0_u64; 0]);
        assert_eq!(raised_at(&[(0, 68.0), (30, 69.0), (60, 66.0)]), [60]);
        let interrupted = [(0, 68.0), (30, 71.0), (60, 66.0), (90, 66.0)];
        assert_eq!(raised_at(&interrupted), [0_u64; 0]);
    }

    #[test]
    fn an_alert_ends_after_the_figure_was_back_for_a_while() {
        let begin = [(0, 0.0), (60, 0.0)];
        let with = |rest: &[(u64, f64)]| raised_at(&[&begin, rest].concat());

        assert_eq!(
            with(&[(90, 74.0), (200, 74.0)]),
            [60, 90, 200],
            "between both"
        );
        assert_eq!(with(&[(90, 76.0), (120, 76.0), (150, 76.0)]), [60, 90, 120]);
        assert_eq!(
            with(&[(90, 76.0), (120, 74.0), (150, 76.0), (180, 76.0)]),
            [60, 90, 120, 150, 180]
        );
    }

    #[test]
    fn a_figure_around_its_threshold_raises_one_alert() {
        let values: Vec<(u64, f64)> = (0..40)
            .map(|step| (step * 15, if step % 2 == 0 { 69.0 } else { 71.0 }))
            .collect();
        assert_eq!(raised_at(&values), [0_u64; 0]);
    }

    #[test]
    fn without_earlier_samples_the_figures_of_now_decide() {
        let moment = Moment {
            now_ms: 1000,
            before: None,
            after_ms: AFTER_MS,
        };
        let (alerts, states) = moment.judge(vec![hit_rate(10.0)]);

        assert_eq!(alerts[0].basis, AlertBasis::Now);
        assert_eq!(alerts[0].clear_threshold, Some(75.0));
        assert_eq!(alerts[0].since.as_deref(), Some("1970-01-01T00:00:01.000Z"));
        assert!(states["hit_rate"].raised);
    }
}
