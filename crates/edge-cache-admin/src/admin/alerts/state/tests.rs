//! Tests of the state: what is posted when, and how often.

use std::time::Duration;

use super::*;
use crate::admin::alerts::webhook::SecretText;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const START: u64 = 1_769_860_800_000;

fn settings(webhooks: &str) -> AlertSettings {
    AlertSettings {
        webhooks: Webhook::parse_list(webhooks).unwrap(),
        key: SecretText::default(),
        source: "edge-cache".to_owned(),
        remind_after: Duration::from_secs(3600),
        clear_after: Duration::from_secs(60),
    }
}

fn one() -> AlertSettings {
    settings("json=https://a.example/")
}

fn memory() -> Alert {
    Alert::new("memory", "95% is in use".to_owned(), 95.0, 90.0)
}

/// A wake-up; each due delivery gets the answer of its number of attempts.
fn wake(
    state: &mut State,
    settings: &AlertSettings,
    at: u64,
    alerts: &[Alert],
    answer: impl Fn(u32) -> Result<u16, String>,
) -> Vec<DeliveryKind> {
    let now_ms = START + at;
    state.advance(&WakeUp {
        now_ms,
        alerts,
        changes: &[],
        settings,
    });
    let due = state.claim_due(now_ms);
    let results: Vec<_> = due
        .iter()
        .map(|delivery| (delivery.id.clone(), answer(delivery.attempts)))
        .collect();
    state.end_attempts(&results, now_ms);
    due.into_iter().map(|delivery| delivery.kind).collect()
}

fn accept(_: u32) -> Result<u16, String> {
    Ok(202)
}

#[test]
fn an_alert_is_posted_once_reminded_each_hour_and_cleared_after_a_while() {
    let (mut state, settings) = (State::default(), one());
    let mut posted = Vec::new();
    for step in 0..=130 {
        let at = step * MINUTE;
        let alerts = if step <= 125 {
            vec![memory()]
        } else {
            Vec::new()
        };
        let kinds = wake(&mut state, &settings, at, &alerts, accept);
        posted.extend(kinds.into_iter().map(|kind| (step, kind)));
    }

    assert_eq!(
        posted,
        [
            (0, DeliveryKind::Raised),
            (60, DeliveryKind::Reminded),
            (120, DeliveryKind::Reminded),
            (127, DeliveryKind::Cleared),
        ]
    );
    assert!(state.raised.is_empty());
}

#[test]
fn a_state_that_comes_and_goes_is_one_alert() {
    let (mut state, settings) = (State::default(), one());
    let posted: Vec<DeliveryKind> = (0..20)
        .flat_map(|step| {
            let alerts = if step % 2 == 0 {
                vec![memory()]
            } else {
                Vec::new()
            };
            wake(&mut state, &settings, step * 30 * SECOND, &alerts, accept)
        })
        .collect();

    assert_eq!(posted, [DeliveryKind::Raised]);
}

#[test]
fn a_failed_delivery_is_tried_again_with_growing_pauses_and_given_up() {
    let (mut state, settings) = (State::default(), one());
    let mut attempts = Vec::new();
    for second in 0..2000 {
        let refuse = |_| Err("no connection".to_owned());
        let kinds = wake(&mut state, &settings, second * SECOND, &[memory()], refuse);
        attempts.extend(kinds.iter().map(|_| second));
    }

    assert_eq!(attempts, [0, 5, 15, 35, 75, 155, 315, 635]);
    let report = state.deliveries[0].report();
    assert_eq!(report.attempts, 8);
    assert_eq!(
        report.error.as_deref(),
        Some("no connection; it was given up")
    );
}

#[test]
fn a_webhook_that_fails_twice_gets_the_message_at_the_third_attempt() {
    let (mut state, settings) = (State::default(), one());
    let answer = |attempt| Ok(if attempt <= 2 { 500 } else { 200 });
    for step in 0..10 {
        wake(
            &mut state,
            &settings,
            step * 10 * SECOND,
            &[memory()],
            answer,
        );
    }

    let report = state.deliveries[0].report();
    assert_eq!(
        (report.attempts, report.status, report.error),
        (3, Some(200), None)
    );
    assert_eq!(state.deliveries.len(), 1);
}

#[test]
fn a_claimed_delivery_is_nobody_elses_until_the_claim_ends() {
    let (mut state, settings) = (State::default(), one());
    state.advance(&WakeUp {
        now_ms: START,
        alerts: &[memory()],
        changes: &[],
        settings: &settings,
    });

    let first = state.claim_due(START);
    assert_eq!(first.len(), 1);
    assert!(state.claim_due(START + 59 * SECOND).is_empty());
    let again = state.claim_due(START + 60 * SECOND);
    assert_eq!(again[0].id, first[0].id, "the same message");
}

#[test]
fn an_end_replaces_what_was_not_delivered() {
    let (mut state, settings) = (State::default(), one());
    let refuse = |_| Ok(503);
    wake(&mut state, &settings, 0, &[memory()], refuse);
    wake(&mut state, &settings, MINUTE, &[], refuse);
    let posted = wake(&mut state, &settings, 3 * MINUTE, &[], accept);

    assert_eq!(posted, [DeliveryKind::Cleared]);
    let error = state.deliveries[0].report().error.unwrap();
    assert!(error.contains("newer message"), "{error}");
    assert!(wake(&mut state, &settings, 9 * MINUTE, &[], accept).is_empty());
}

#[test]
fn each_webhook_has_its_own_deliveries_and_twenty_are_kept() {
    let (mut state, both) = (
        State::default(),
        settings("json=https://a.example/ slack=https://b.example/"),
    );
    for step in 0..60 {
        let alerts = if step % 5 == 0 {
            vec![memory()]
        } else {
            Vec::new()
        };
        wake(&mut state, &both, step * MINUTE, &alerts, accept);
    }

    let of = |n: usize| {
        let deliveries = state.deliveries.iter();
        deliveries
            .filter(|delivery| delivery.webhook == both.webhooks[n].id)
            .count()
    };
    assert!((20..=21).contains(&of(0)), "{}", of(0));
    assert_eq!(of(0), of(1));

    let one = settings("json=https://a.example/");
    wake(&mut state, &one, 61 * MINUTE, &[], accept);
    assert!(
        state
            .deliveries
            .iter()
            .all(|delivery| delivery.webhook == one.webhooks[0].id)
    );
}
