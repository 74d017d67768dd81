//! Marks: what people did, from the audit trail and without client addresses, and restarts of servers, on
//! the axis of the history. `waves` has marks of what happened by itself.

use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::{RedisError, script, units};
use serde::Serialize;

use super::row::Row;
use crate::admin::audit::{self, AuditOutcome, AuditRecord};

/// Reads records of changes.
static READ_MARKS: Script = script!(repeatable "history/read_marks", []);

/// Actions that are marks. Reading them takes no more rights than the history.
const ACTIONS: [&str; 10] = [
    "clear",
    "edit",
    "expire",
    "invalidate",
    "job-end",
    "memory-relief",
    "rules",
    "ttl",
    "undo",
    "warmup",
];
/// The most records of a stream that are looked at, and the most of them that become marks.
const MAX_READ: u64 = 2000;
const MAX_MARKS: u64 = 150;
/// The most names in a text.
const MAX_NAMES: usize = 3;
/// The beginning of the detail of a warmup by the schedule, before its reason.
const BY_SCHEDULE: &str = "by the schedule: ";
/// The longest part of a text, in characters.
const MAX_PART_CHARS: usize = 200;

/// A change, a restart of a server, or a wave of keys that expired or were evicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// When it began.
    pub at: String,
    /// The action in the audit trail; `restart`, `expiry-wave` or `eviction-wave` for what nobody did.
    pub action: String,
    /// The name of the caller's token, or `schedule`; null for what nobody did.
    pub who: Option<String>,
    /// The change as a sentence, such as `ada cleared products:*, 5,166 keys`.
    pub text: String,
    /// Keys removed, expired or evicted.
    pub keys_deleted: u64,
    /// How long it took; null for a restart.
    pub duration_ms: Option<u64>,
    /// How it ended; null for what nobody did.
    pub outcome: Option<AuditOutcome>,
}

/// The marks of a time.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) marks: Vec<Mark>,
    /// There are further ones.
    pub(super) more: bool,
}

/// Reads the marks of a time from the audit trail. One round trip.
pub(super) async fn read<A: Redis>(
    trail: &A,
    from_ms: u64,
    to_ms: u64,
) -> Result<Marks, RedisError> {
    let keys = audit::change_keys().map(Arg::from);
    let bounds = [from_ms, to_ms, MAX_READ, MAX_MARKS].map(Arg::from);
    let args = bounds.into_iter().chain(ACTIONS.map(Arg::from));
    let mut replies = READ_MARKS.run(trail, keys, args).await?;

    let mut marks = Vec::new();
    let mut more = false;
    while replies.remaining() > 0 {
        more |= replies.count()? > 0;
        for _ in 0..replies.count()? {
            let json = replies.bytes()?;
            // A record of a later version is no mark.
            let record = serde_json::from_slice::<AuditRecord>(&json).ok();
            marks.extend(record.map(Mark::of));
        }
    }
    Ok(Marks { marks, more })
}

/// Reads what people changed in a time. One round trip.
pub(crate) async fn read_changes<A: Redis>(
    trail: &A,
    from_ms: u64,
    to_ms: u64,
) -> Result<Vec<Mark>, RedisError> {
    Ok(read(trail, from_ms, to_ms).await?.marks)
}

/// The restarts in a row.
pub(super) fn restarts(at_ms: u64, row: &Row) -> Vec<Mark> {
    let at = units::timestamp_of_ms(at_ms);
    let restart = |text: String| Mark {
        at: at.clone(),
        action: "restart".to_owned(),
        who: None,
        text,
        keys_deleted: 0,
        duration_ms: None,
        outcome: None,
    };

    let nodes = row.nodes.iter().filter(|(_, figures)| figures.restarted);
    let mut marks: Vec<Mark> = nodes
        .map(|(node, _)| restart(format!("node {node} restarted")))
        .collect();
    if marks.is_empty() && row.total.restarted {
        marks.push(restart("Redis restarted".to_owned()));
    }
    marks
}

impl Mark {
    fn of(record: AuditRecord) -> Self {
        Self {
            text: text(&record),
            at: record.at,
            action: record.action,
            who: Some(record.who),
            keys_deleted: record.keys_deleted,
            duration_ms: Some(record.duration_ms),
            outcome: Some(record.outcome),
        }
    }
}

/// Describes a change: `ada cleared products:*, 5,166 keys`.
fn text(record: &AuditRecord) -> String {
    if record.action == "warmup" {
        return describe_warmup(record);
    }
    let verb = match record.action.as_str() {
        "clear" => "cleared",
        "edit" => "edited",
        "expire" => "changed the expiry of",
        "invalidate" => "invalidated",
        "job-end" => "ended a job:",
        "memory-relief" => "relieved memory:",
        "rules" => "changed a rule:",
        "ttl" => "changed a TTL:",
        "undo" => "undid an edit of",
        other => other,
    };

    let text = format!("{} {verb} {}", record.who, shorten(&object(record)));
    let removed = Some(record.keys_deleted).filter(|removed| *removed > 0);
    with_keys(text, removed.or(record.keys_changed))
}

/// Adds the number of keys, if it is known.
fn with_keys(text: String, keys: Option<u64>) -> String {
    match keys {
        Some(1) => format!("{text}, 1 key"),
        Some(keys) => format!("{text}, {} keys", with_separators(keys)),
        None => text,
    }
}

/// Describes a warmup by the detail of its record: the request in words, behind the reason of the
/// schedule.
fn describe_warmup(record: &AuditRecord) -> String {
    let detail = record.detail.as_deref().unwrap_or_default();
    let (reason, modules) = match detail.split_once("; ") {
        Some((reason, modules)) => (reason.strip_prefix(BY_SCHEDULE), modules),
        None => (None, detail),
    };
    let why = match reason {
        Some("empty") => ", because the cache was empty",
        Some("restarted") => ", because Redis had been restarted",
        Some("retry") => ", because the last warmup had failed",
        _ => "",
    };
    let text = format!("{} warmed {}", record.who, shorten(modules));
    with_keys(text, record.keys_written) + why
}

/// Writes a number with a comma before every three digits.
pub(super) fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b',')).into_owned()
}

/// The object of the sentence: the pattern, tags or keys of the change, else its detail.
fn object(record: &AuditRecord) -> String {
    let detail = record.detail.clone().unwrap_or_default();
    match record.pattern.as_deref() {
        _ if matches!(record.action.as_str(), "memory-relief" | "rules" | "ttl") => detail,
        Some("*") => "everything".to_owned(),
        Some(pattern) => pattern.to_owned(),
        None => {
            let tags = record.tags.iter().map(|tag| format!("tag {tag}"));
            let names = record.patterns.iter().cloned().chain(tags);
            let names: Vec<String> = names.chain(record.keys.iter().cloned()).collect();
            let shown = names[..names.len().min(MAX_NAMES)].join(", ");
            match names.len().saturating_sub(MAX_NAMES) {
                0 if shown.is_empty() => detail,
                0 => shown,
                more => format!("{shown} and {more} more"),
            }
        }
    }
}

fn shorten(part: &str) -> String {
    match part.char_indices().nth(MAX_PART_CHARS) {
        Some((end, _)) => format!("{}…", &part[..end]),
        None => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(action: &str) -> AuditRecord {
        AuditRecord {
            who: "ada".into(),
            ..AuditRecord::new(action)
        }
    }

    #[test]
    fn a_mark_says_who_did_what_and_not_from_where() {
        let clear = AuditRecord {
            pattern: Some("products:*".into()),
            keys_deleted: 5166,
            ip: "192.0.2.7".into(),
            ..record("clear")
        };
        let mark = Mark::of(clear);

        assert_eq!(mark.text, "ada cleared products:*, 5,166 keys");
        let json = serde_json::to_string(&mark).unwrap();
        assert!(!json.contains("192.0.2.7"), "{json}");
    }

    #[test]
    fn each_action_has_a_sentence() {
        let everything = AuditRecord {
            pattern: Some("*".into()),
            ..record("clear")
        };
        assert_eq!(text(&everything), "ada cleared everything");

        let tags = AuditRecord {
            tags: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            ..record("invalidate")
        };
        assert_eq!(
            text(&tags),
            "ada invalidated tag a, tag b, tag c and 1 more"
        );

        let warmup = |detail: &str| {
            text(&AuditRecord {
                detail: Some(detail.into()),
                ..record("warmup")
            })
        };
        assert_eq!(warmup("all modules"), "ada warmed all modules");
        let expected = "ada warmed all modules, because the cache was empty";
        assert_eq!(warmup("by the schedule: empty; all modules"), expected);
        let forced = "products, overwriting existing keys";
        assert_eq!(warmup(forced), format!("ada warmed {forced}"));

        let counted = AuditRecord {
            detail: Some("by the schedule: empty; all modules".into()),
            keys_written: Some(1144),
            ..record("warmup")
        };
        let expected = "ada warmed all modules, 1,144 keys, because the cache was empty";
        assert_eq!(text(&counted), expected);

        let ttl = AuditRecord {
            detail: Some("users: 60 s".into()),
            ..record("ttl")
        };
        assert_eq!(text(&ttl), "ada changed a TTL: users: 60 s");
    }
}
