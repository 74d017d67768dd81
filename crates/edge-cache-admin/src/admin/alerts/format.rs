//! Messages in the forms that webhooks expect.

use edge_cache::units;
use serde_json::{Value, json};

use super::delivery::{DeliveryKind, Notification};
use super::webhook::{Webhook, WebhookFormat};

/// The longest summary that PagerDuty takes, in characters.
const MAX_SUMMARY_CHARS: usize = 1024;

/// Writes a message. `id` identifies it, `source` is the name of the cache.
pub(super) fn body(webhook: &Webhook, id: &str, source: &str, message: &Notification) -> Vec<u8> {
    let body = match webhook.format {
        WebhookFormat::Json => as_json(id, source, message),
        WebhookFormat::Slack => as_slack(source, message),
        WebhookFormat::Teams => as_teams(source, message),
        WebhookFormat::PagerDuty => as_event(webhook.routing_key.expose(), source, message),
    };
    body.to_string().into_bytes()
}

fn as_json(id: &str, source: &str, message: &Notification) -> Value {
    let change = |(at, text): &(String, String)| json!({ "at": at, "text": text });
    let changes: Vec<Value> = message.changes.iter().map(change).collect();
    json!({
        "id": id,
        "kind": message.kind,
        "alert": message.alert,
        "severity": severity(message),
        "source": source,
        "message": message.message,
        "value": message.value,
        "threshold": message.threshold,
        "since": units::timestamp_of_ms(message.since_ms),
        "at": units::timestamp_of_ms(message.at_ms),
        "changes": changes,
    })
}

fn as_slack(source: &str, message: &Notification) -> Value {
    // Slack's markup knows three special characters.
    let escape = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;")
    };
    let mut lines = vec![
        format!("*{}*", escape(&title(source, message))),
        escape(&explanation(message)),
    ];
    if !message.changes.is_empty() {
        lines.push("Changed lately:".to_owned());
    }
    let changes = message.changes.iter();
    lines.extend(changes.map(|(at, text)| escape(&format!("• {at} {text}"))));
    json!({ "text": lines.join("\n") })
}

fn as_teams(source: &str, message: &Notification) -> Value {
    let block = |text: String| json!({ "type": "TextBlock", "text": text, "wrap": true });
    let color = match message.kind {
        DeliveryKind::Cleared => "good",
        _ if message.is_critical => "attention",
        _ => "warning",
    };
    let mut blocks = vec![
        json!({
            "type": "TextBlock",
            "text": title(source, message),
            "weight": "bolder",
            "size": "medium",
            "color": color,
            "wrap": true,
        }),
        block(explanation(message)),
    ];
    let changes = message.changes.iter();
    blocks.extend(changes.map(|(at, text)| block(format!("{at} {text}"))));

    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
            },
        }],
    })
}

/// An event of PagerDuty. All messages about an alert have one `dedup_key`, so they are one incident, and
/// its end resolves it.
fn as_event(routing_key: &str, source: &str, message: &Notification) -> Value {
    let dedup_key = format!("edge-cache/{source}/{}", message.alert);
    if message.kind == DeliveryKind::Cleared {
        return json!({
            "routing_key": routing_key,
            "event_action": "resolve",
            "dedup_key": dedup_key,
        });
    }

    let summary = format!("{}: {}", title(source, message), message.message);
    let changes = message.changes.iter();
    let changes: Vec<String> = changes.map(|(at, text)| format!("{at} {text}")).collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {
            "summary": summary.chars().take(MAX_SUMMARY_CHARS).collect::<String>(),
            "source": source,
            "severity": severity(message),
            "timestamp": units::timestamp_of_ms(message.at_ms),
            "component": "redis",
            "class": message.alert,
            "custom_details": {
                "value": message.value,
                "threshold": message.threshold,
                "since": units::timestamp_of_ms(message.since_ms),
                "changes": changes,
            },
        },
    })
}

fn severity(message: &Notification) -> &'static str {
    if message.is_critical {
        "critical"
    } else {
        "warning"
    }
}

/// `shop-cache: memory alert raised (critical)`.
fn title(source: &str, message: &Notification) -> String {
    let alert = message.alert.replace('_', " ");
    match message.kind {
        DeliveryKind::Raised => format!("{source}: {alert} alert raised ({})", severity(message)),
        DeliveryKind::Reminded => {
            format!(
                "{source}: {alert} alert still raised ({})",
                severity(message)
            )
        }
        DeliveryKind::Cleared => format!("{source}: {alert} alert cleared"),
    }
}

fn explanation(message: &Notification) -> String {
    let since = units::timestamp_of_ms(message.since_ms);
    match message.kind {
        DeliveryKind::Cleared => format!(
            "It lasted from {since} to {}. Its last message was: {}",
            units::timestamp_of_ms(message.at_ms),
            message.message
        ),
        _ => format!("{} (since {since})", message.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_769_860_800_000;

    fn raised() -> Notification {
        Notification {
            kind: DeliveryKind::Raised,
            alert: "hit_rate".to_owned(),
            is_critical: false,
            message: "only 12% <of the lookups> found their key".to_owned(),
            value: 12.0,
            threshold: 70.0,
            since_ms: AT - 60_000,
            at_ms: AT,
            changes: vec![(
                "2026-01-31T11:58:00.000Z".to_owned(),
                "ada cleared products:*, 5,166 keys".to_owned(),
            )],
        }
    }

    fn cleared() -> Notification {
        Notification {
            kind: DeliveryKind::Cleared,
            ..raised()
        }
    }

    fn written(webhook: &str, message: &Notification) -> Value {
        let webhooks = Webhook::parse_list(webhook).unwrap();
        let body = body(&webhooks[0], "7-1", "shop", message);
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn a_json_message_has_the_figures_and_what_changed_lately() {
        let body = written("json=https://a/", &raised());

        assert_eq!(body["id"], "7-1");
        assert_eq!(body["kind"], "raised");
        assert_eq!(body["alert"], "hit_rate");
        assert_eq!(body["severity"], "warning");
        assert_eq!(body["since"], "2026-01-31T11:59:00.000Z");
        assert_eq!(
            body["changes"][0]["text"],
            "ada cleared products:*, 5,166 keys"
        );
    }

    #[test]
    fn slack_gets_a_text_with_its_special_characters_escaped() {
        let body = written("slack=https://a/", &raised());

        assert_eq!(
            body["text"],
            "*shop: hit rate alert raised (warning)*\n\
             only 12% &lt;of the lookups&gt; found their key (since 2026-01-31T11:59:00.000Z)\n\
             Changed lately:\n\
             • 2026-01-31T11:58:00.000Z ada cleared products:*, 5,166 keys"
        );
    }

    #[test]
    fn teams_gets_an_adaptive_card() {
        let body = written("teams=https://a/", &cleared());

        let card = &body["attachments"][0]["content"];
        assert_eq!(card["type"], "AdaptiveCard");
        assert_eq!(card["body"][0]["text"], "shop: hit rate alert cleared");
        assert_eq!(card["body"][0]["color"], "good");
        let text = card["body"][2]["text"].as_str().unwrap();
        assert!(
            text.ends_with("ada cleared products:*, 5,166 keys"),
            "{text}"
        );
    }

    #[test]
    fn pagerduty_gets_one_incident_that_is_resolved() {
        let triggered = written("pagerduty=https://a/#KEY", &raised());
        let resolved = written("pagerduty=https://a/#KEY", &cleared());

        assert_eq!(triggered["routing_key"], "KEY");
        assert_eq!(triggered["event_action"], "trigger");
        assert_eq!(triggered["payload"]["severity"], "warning");
        assert_eq!(resolved["event_action"], "resolve");
        assert_eq!(resolved["dedup_key"], triggered["dedup_key"]);
        assert_eq!(resolved["dedup_key"], "edge-cache/shop/hit_rate");
    }
}
