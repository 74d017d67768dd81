//! The settings of alerts that are posted to webhooks.

use std::time::Duration;

use edge_cache_admin::admin::alerts::{AlertSettings, SecretText, Webhook};

use super::variables::{BadVariable, Variables};

/// The longest name of a cache in messages, in characters.
const MAX_SOURCE_CHARS: usize = 100;

/// Reads the webhooks. `clear_after` is how long a figure must be back before its alert ends.
pub(super) fn alerts(
    variables: &Variables,
    clear_after: Duration,
) -> Result<AlertSettings, BadVariable> {
    let webhooks = Webhook::parse_list(variables.text("alert_webhooks"))
        .map_err(|problem| BadVariable::new("alert_webhooks", problem))?;
    let minutes = variables.number("alert_remind_minutes", 1..=10_080)?;
    let source = variables.text("alert_source");
    let is_name = !source.is_empty() && !source.chars().any(char::is_control);
    if !is_name || source.chars().count() > MAX_SOURCE_CHARS {
        let problem = "must be a name of 1 to 100 characters";
        return Err(BadVariable::new("alert_source", problem));
    }

    Ok(AlertSettings {
        webhooks,
        key: SecretText::new(variables.text("alert_webhook_key")),
        source: source.to_owned(),
        remind_after: Duration::from_secs(60 * minutes),
        clear_after,
    })
}
