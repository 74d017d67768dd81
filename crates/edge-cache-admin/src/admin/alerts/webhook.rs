//! Webhooks as they are configured.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The most webhooks.
const MAX_WEBHOOKS: usize = 10;
/// Characters of the hash by which a webhook is known in the state.
const ID_CHARS: usize = 12;

/// How and whereto the schedule posts alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettings {
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// The key of signatures; empty: requests are not signed. Never log it.
    pub key: SecretText,
    /// The name of the cache in messages.
    pub source: String,
    /// After this time, an alert that lasts is posted again.
    pub remind_after: Duration,
    /// How long a state without a window, such as that of a replica, must be over before its alert is
    /// cleared.
    pub clear_after: Duration,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Never log it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The form of a webhook's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// The notification as a JSON object.
    Json,
    /// A message of Slack.
    Slack,
    /// An adaptive card, for a workflow of Microsoft Teams.
    Teams,
    /// An event of PagerDuty's Events API v2.
    PagerDuty,
}

impl WebhookFormat {
    fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "slack" => Some(Self::Slack),
            "teams" => Some(Self::Teams),
            "pagerduty" => Some(Self::PagerDuty),
            _ => None,
        }
    }
}

/// An address that alerts are posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The form of its messages.
    pub format: WebhookFormat,
    /// The name of its host.
    pub host: String,
    /// Its address, whose path may be a secret.
    pub(super) url: SecretText,
    /// PagerDuty's key of the service; else empty.
    pub(super) routing_key: SecretText,
    /// Identifies it in the state.
    pub(super) id: String,
}

impl Webhook {
    /// Reads webhooks: `format=url`, separated by white space.
    ///
    /// # Errors
    /// The mistake, without the address, as the rest of a sentence that begins with the variable.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let mut webhooks: Vec<Self> = Vec::new();
        for (number, entry) in (1..).zip(text.split_whitespace()) {
            let webhook = Self::parse(entry)
                .map_err(|problem| format!("has a mistake in webhook {number}: {problem}"))?;
            if webhooks.iter().any(|other| other.id == webhook.id) {
                return Err(format!("has webhook {number} twice"));
            }
            webhooks.push(webhook);
        }
        if webhooks.len() > MAX_WEBHOOKS {
            return Err(format!("must have at most {MAX_WEBHOOKS} webhooks"));
        }
        Ok(webhooks)
    }

    fn parse(entry: &str) -> Result<Self, &'static str> {
        let (format, url) = entry
            .split_once('=')
            .ok_or("it must be `format=url`, such as `slack=https://hooks.slack.com/...`")?;
        let format = WebhookFormat::named(format)
            .ok_or("its format must be json, slack, teams or pagerduty")?;
        let (url, routing_key) = match (format, url.split_once('#')) {
            (WebhookFormat::PagerDuty, Some((url, key))) if !key.is_empty() => (url, key),
            (WebhookFormat::PagerDuty, _) => {
                return Err("behind PagerDuty's address there must be `#` and the integration key");
            }
            (_, None) => (url, ""),
            (_, Some(_)) => return Err("its address must not have a fragment (`#`)"),
        };

        let host = host_of(url)
            .ok_or("its address must begin with https:// or http:// and a host, without a login")?;
        let hash = Sha256::digest(entry.as_bytes());
        let id: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            format,
            host: host.to_owned(),
            url: SecretText::new(url),
            routing_key: SecretText::new(routing_key),
            id: id.chars().take(ID_CHARS).collect(),
        })
    }

    /// The scheme, host and port of its address, as in `allowed_outbound_hosts`.
    pub(super) fn origin(&self) -> String {
        let url = self.url.expose();
        let scheme = url.split("://").next().unwrap_or_default();
        format!("{scheme}://{}", authority_of(url).unwrap_or_default())
    }
}

fn authority_of(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?']).next()
}

/// The host of an address; `None` if it cannot be used.
fn host_of(url: &str) -> Option<&str> {
    let authority = authority_of(url)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let is_printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok()?;
            host
        }
        _ => authority,
    };
    let is_valid = !host.is_empty() && authority.bytes().all(is_allowed) && is_printable;
    is_valid.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_are_separated_by_white_space() {
        let text = "slack=https://hooks.slack.com/services/T/B/secret?a=b,c\n \
                    pagerduty=https://events.pagerduty.com/v2/enqueue#R0UT1NG json=http://127.0.0.1:8080/alerts";
        let webhooks = Webhook::parse_list(text).unwrap();

        let shown: Vec<(WebhookFormat, &str, String)> = webhooks
            .iter()
            .map(|webhook| (webhook.format, webhook.host.as_str(), webhook.origin()))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    WebhookFormat::Slack,
                    "hooks.slack.com",
                    "https://hooks.slack.com".to_owned()
                ),
                (
                    WebhookFormat::PagerDuty,
                    "events.pagerduty.com",
                    "https://events.pagerduty.com".to_owned()
                ),
                (
                    WebhookFormat::Json,
                    "127.0.0.1",
                    "http://127.0.0.1:8080".to_owned()
                ),
            ]
        );
        assert_eq!(
            webhooks[1].url.expose(),
            "https://events.pagerduty.com/v2/enqueue"
        );
        assert_eq!(webhooks[1].routing_key.expose(), "R0UT1NG");
        assert!(Webhook::parse_list("  ").unwrap().is_empty());
    }

    #[test]
    fn a_mistake_is_named_without_the_address() {
        for text in [
            "https://hooks.example.com/secret",
            "mail=https://hooks.example.com/secret",
            "slack=ftp://hooks.example.com/secret",
            "slack=https:///secret",
            "slack=https://user:secret@hooks.example.com",
            "slack=https://hooks.example.com:secret/",
            "slack=https://hooks.example.com/#secret",
            "pagerduty=https://events.example.com/secret",
            "slack=https://a/secret slack=https://a/secret",
        ] {
            let problem = Webhook::parse_list(text).unwrap_err();
            assert!(!problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn addresses_are_not_shown_by_debug() {
        let webhooks = Webhook::parse_list("slack=https://hooks.example.com/secret").unwrap();
        assert!(!format!("{webhooks:?}").contains("/secret"));
    }
}
