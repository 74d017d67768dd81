//! Key names: arbitrary bytes, displayed as text and addressed without loss; and the names of
//! edge-cache's own keys.
//!
//! Different names are displayed differently. In a name that is not UTF-8, invalid bytes are shown
//! as `\xNN` and `\` as `\\`; a UTF-8 name that reads like that is escaped, too. A name that is
//! displayed with escapes is also given in base64.
//!
//! ```text
//! bytes 62 FF          shown as  b\xff     base64 Yv8=
//! text  b\xff          shown as  b\\xff    base64 Ylx4ZmY=
//! text  C:\dir         shown as  C:\dir
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{namespace, slot};

/// Overrides of the TTL table (a hash). Outlives a global clear.
pub const TTL_OVERRIDES: &str = "cache:ttl";
/// Overrides of the rules for domain events (a hash of JSON). Outlives a global clear.
pub const RULE_OVERRIDES: &str = "cache:rules";
/// The progress of the running or last warmup (a string holding JSON).
pub const WARMUP_STATUS: &str = "cache:warmup:status";
/// Result of the last warmup of each module of the plan (a hash of JSON).
pub const WARMUP_MODULES: &str = "cache:warmup:modules";
/// The id of the warmup that was asked to stop (a string that expires).
pub const WARMUP_CANCEL: &str = "cache:warmup:cancel";
/// The last actions of the schedule (a hash).
pub const WARMUP_SCHEDULE: &str = "cache:warmup:schedule";
/// The lock held while a warmup runs. Outlives a global clear, so that never two run at a time.
pub const WARMUP_LOCK: &str = "lock:cache:warmup";
/// The audit trail's stream of callers' changes, in its own logical database where there is one.
/// All keys of the trail begin with this name.
pub const AUDIT: &str = "cache:audit";
/// The order of loads and waiters (a stream). Outlives a global clear.
pub const TURNS: &str = "cache:turns";
/// The last invalidations, for loads in flight (a stream).
pub const FENCES: &str = "cache:fences";
/// The gathered walk: the number of its next turn, and how far it is (a hash).
pub const REMOVALS: &str = "cache:{removals}";
/// The patterns of gathered removals by their fences (a hash).
pub const REMOVAL_PATTERNS: &str = "cache:{removals}:patterns";
/// The patterns of gathered soft purges by their fences, each after its soft grace (a hash).
pub const REMOVAL_STALE: &str = "cache:{removals}:stale";
/// There while a turn of the gathered walk is expected to begin (a string that expires).
pub const REMOVAL_ANNOUNCEMENT: &str = "cache:{removals}:announced";
/// How long whoever writes or invalidates waits for near caches, in milliseconds (a string); there
/// while instances keep near copies.
pub const NEAR: &str = "cache:near";
/// Keys that were written or removed by name, for near caches (a stream).
pub const NEAR_FENCES: &str = "cache:near-fences";
/// Lookup counters by module and outcome (a hash). Outlives a global clear.
pub const LOOKUPS: &str = "cache:lookups";
/// Hot keys of a minute, whose number since 1970 follows (hashes that expire).
pub const HOT_KEYS_PREFIX: &str = "cache:hot:";
/// Records of jobs by their ids (a hash of JSON). Outlives a global clear.
pub const JOBS: &str = "cache:jobs";
/// States of jobs by their ids (a hash). Outlives a global clear.
pub const JOB_STATES: &str = "cache:jobs:states";
/// The lease of the worker that advances a job. Outlives a global clear, so that two workers never
/// run at once.
pub const JOB_LOCK: &str = "lock:cache:jobs";
/// The beginning of the names of parts of a job's walk (hashes that expire), each in a slot of the
/// node that the part walks.
pub const JOB_PART_PREFIX: &str = "cache:job-part:";
/// The beginning of the names of hashes with what dry runs have matched, each beside the part of its
/// walk. They expire with the job.
pub const JOB_NAMES_PREFIX: &str = "cache:job-names:";
/// Samples of the server's and the library's counters, for recent rates (a stream).
pub const SAMPLES: &str = "cache:samples";
/// The key to which a health check tries to write; it never exists.
pub const PROBE: &str = "cache:probe";
/// Domain events by their outcome (a hash). Outlives a global clear.
pub const EVENTS: &str = "cache:events";
/// Counters of administration's changes (a hash), beside the audit trail.
pub const COUNTERS: &str = "cache:counters";
/// A key that never exists, for scripts that must delete something before a full server accepts
/// their writes.
pub const NONE: &str = "cache:none";
/// The longest key under which the library stores an entry, in bytes. Longer keys of other clients
/// are shown and removed like any other.
pub const MAX_NAME_BYTES: usize = 1024;
/// Prefixes of protected keys. A pattern removes none of them unless it starts with that prefix
/// itself. `scripts/lib/protected.lua` has the same list.
pub const PROTECTED_PREFIXES: [&str; 2] = ["cache:", "lock:"];
/// Beginnings of the library's records of other keys, as `scripts/lib/protected.lua` lists them.
const OWN_RECORDS: [&str; 18] = [
    "cache:chunk:",
    "cache:fences",
    JOB_NAMES_PREFIX,
    JOB_PART_PREFIX,
    "cache:near",
    "cache:none",
    "cache:tags-aside:",
    "cache:turns",
    "cache:waiting:",
    "cache:{removals}",
    "cache:{walks}:",
    "cache:{cache}:fences",
    "cache:{cache}:near",
    "cache:{cache}:none",
    "cache:{cache}:turns",
    "cache:{cache}:removals",
    "lock:{",
    "lock::",
];
/// Beginnings of the names of an audit trail: on a single server, and on a Cluster.
const TRAILS: [&str; 2] = [AUDIT, "cache:{cache}:audit"];

/// The name of a Redis key: any bytes.
///
/// ```
/// use edge_cache::KeyName;
///
/// let name = KeyName::new("products:17");
/// assert_eq!(name.display(), "products:17");
/// assert_eq!(name.as_bytes(), b"products:17");
/// assert!(!name.is_protected());
///
/// // Keys that the library keeps beside this one while it is loaded.
/// assert_eq!(name.lock(), b"lock:{products:17}");
/// assert_eq!(name.waiting(), b"cache:waiting:{products:17}");
/// assert!(KeyName::new(name.lock()).is_own_record());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(Vec<u8>);

impl KeyName {
    /// A name as Redis has it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as Redis has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether this is a protected key: one of edge-cache's own.
    pub fn is_protected(&self) -> bool {
        starts_with_any(&self.0, &PROTECTED_PREFIXES)
    }

    /// Returns whether this key belongs to the audit trail, which nobody can remove or let expire:
    /// `cache:audit`, or a key that begins with `cache:audit:`; on a Cluster `cache:{cache}:audit`.
    ///
    /// ```
    /// # use edge_cache::KeyName;
    /// assert!(KeyName::new("cache:audit:denied").is_trail());
    /// assert!(KeyName::new("cache:@shop:audit").is_trail());
    /// assert!(!KeyName::new("cache:audits").is_trail());
    /// ```
    pub fn is_trail(&self) -> bool {
        let name = namespace::without(&self.0);
        TRAILS.iter().any(|trail| {
            let rest = name.strip_prefix(trail.as_bytes());
            rest.is_some_and(|rest| matches!(rest, [] | [b':', ..]))
        })
    }

    /// Returns whether this is one of the library's records of other keys, which are removed with
    /// those and not counted.
    pub fn is_own_record(&self) -> bool {
        starts_with_any(&namespace::without(&self.0), &OWN_RECORDS)
    }

    /// Returns whether a removal spares this key: one of the audit trail, or a protected one that the
    /// request does not name.
    ///
    /// ```
    /// # use edge_cache::KeyName;
    /// assert!(KeyName::new("cache:ttl").is_spared(false));
    /// assert!(!KeyName::new("cache:ttl").is_spared(true));
    /// assert!(KeyName::new("cache:audit").is_spared(true));
    /// ```
    pub fn is_spared(&self, is_named: bool) -> bool {
        self.is_trail() || (!is_named && self.is_protected())
    }

    /// The name as text, different for different names.
    ///
    /// A UTF-8 name is shown as it is. In another name, invalid bytes are shown as `\xNN`, and `\` as
    /// `\\`. A UTF-8 name that reads like the result is escaped in the same way: `b\xff` in letters
    /// is shown as `b\\xff`.
    ///
    /// ```
    /// # use edge_cache::KeyName;
    /// assert_eq!(KeyName::new("prices:€").display(), "prices:€");
    /// assert_eq!(KeyName::new(b"prices:\xff").display(), r"prices:\xff");
    /// ```
    pub fn display(&self) -> String {
        if let Some(text) = self.plain_text() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(self.0.len() + 8);
        for chunk in self.0.utf8_chunks() {
            shown.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                shown.push_str(&format!("\\x{byte:02x}"));
            }
        }
        shown
    }

    /// Standard base64 of a name that [`KeyName::display`] escapes, so that clients can send it
    /// back.
    ///
    /// ```
    /// # use edge_cache::KeyName;
    /// assert_eq!(KeyName::new("prices:€").base64(), None);
    /// assert_eq!(KeyName::new(b"prices:\xff").base64().as_deref(), Some("cHJpY2VzOv8="));
    /// ```
    pub fn base64(&self) -> Option<String> {
        self.plain_text().is_none().then(|| BASE64.encode(&self.0))
    }

    /// The name, if it is shown without escapes.
    fn plain_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0)
            .ok()
            .filter(|text| !reads_as_escaped(text))
    }

    /// The load lock of this key, in the key's slot.
    pub fn lock(&self) -> Vec<u8> {
        slot::belonging("lock", &self.0)
    }

    /// The key at which a load leaves its value for waiters, in the key's slot.
    pub fn waiting(&self) -> Vec<u8> {
        slot::belonging("cache:waiting", &self.0)
    }

    /// The order of loads and waiters: of all keys on a single server, of this one on a Cluster, where it has
    /// to be in the key's slot.
    pub(crate) fn turns(&self, is_on_cluster: bool) -> Vec<u8> {
        if is_on_cluster {
            slot::belonging(TURNS, &self.0)
        } else {
            TURNS.as_bytes().to_vec()
        }
    }

    /// A key in this key's slot that never exists.
    pub(crate) fn none(&self) -> Vec<u8> {
        slot::belonging(NONE, &self.0)
    }

    /// The record of the key's last load by a waiter who had waited for too long, in the key's slot.
    pub(crate) fn extra_load(&self) -> Vec<u8> {
        slot::belonging("cache:waiting:extra", &self.0)
    }
}

fn starts_with_any(name: &[u8], prefixes: &[&str]) -> bool {
    prefixes
        .iter()
        .any(|prefix| name.starts_with(prefix.as_bytes()))
}

/// Maps the displayed form of each escaped name to its base64, to stand beside a list of displayed
/// names.
pub fn base64_by_display<'a>(
    names: impl IntoIterator<Item = &'a KeyName>,
) -> BTreeMap<String, String> {
    names
        .into_iter()
        .filter_map(|name| Some((name.display(), name.base64()?)))
        .collect()
}

/// Returns whether the text could be mistaken for the escaped form of another name.
fn reads_as_escaped(text: &str) -> bool {
    // True of nearly every name.
    if !text.contains('\\') {
        return false;
    }
    let mut text = Cow::Borrowed(text);
    while let Some(bytes) = unescape(&text) {
        match String::from_utf8(bytes) {
            Ok(inner) => text = inner.into(),
            Err(_) => return true,
        }
    }
    false
}

/// Undoes `\xNN` and `\\`; `None` where the text has neither, or has another backslash.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut found = false;
    let mut rest = text.as_bytes();

    while let Some((first, tail)) = rest.split_first() {
        let (byte, after) = match (first, tail) {
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (b'\\', [b'x', high, low, after @ ..]) => (escaped_byte(*high, *low)?, after),
            (b'\\', _) => return None,
            _ => (*first, tail),
        };

        found |= *first == b'\\';
        bytes.push(byte);
        rest = after;
    }

    found.then_some(bytes)
}

/// Reads a byte beyond ASCII from two lower-case digits, as [`KeyName::display`] writes it.
fn escaped_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .filter(|_| !digit.is_ascii_uppercase())
    };
    let byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_utf8_name_is_shown_as_it_is() {
        for name in [
            "a b\n\"c\"",
            "\\x41",
            "back\\slash",
            "C:\\\\x",
            "\\xFF",
            "\\xff\\q",
            "\\",
            "\\x",
        ] {
            let key = KeyName::new(name);

            assert_eq!(key.display(), name);
            assert_eq!(key.base64(), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_escaped_and_given_in_base64() {
        let name = KeyName::new(b"a\\\xff\xfeb".to_vec());

        assert_eq!(name.display(), "a\\\\\\xff\\xfeb");
        assert_eq!(
            BASE64.decode(name.base64().unwrap()).unwrap(),
            name.as_bytes()
        );
    }

    #[test]
    fn a_byte_and_the_text_of_its_escape_are_shown_differently() {
        let shown = |name: &[u8]| KeyName::new(name).display();

        assert_eq!(shown(b"b\xff"), "b\\xff");
        assert_eq!(shown(b"b\\xff"), "b\\\\xff");
        assert_eq!(shown(b"b\\\\xff"), "b\\\\\\\\xff");
        assert!(KeyName::new(*b"b\\xff").base64().is_some());
    }

    #[test]
    fn the_scripts_have_the_same_lists_of_protected_keys_and_own_records() {
        let lua = include_str!("../scripts/lib/protected.lua");
        let code: String = lua.lines().filter(|line| !line.starts_with("--")).collect();
        let quoted = code.split('\'').skip(1).step_by(2);
        let quoted: Vec<&str> = quoted.filter(|text| !text.is_empty()).collect();

        assert_eq!(quoted[..2], PROTECTED_PREFIXES);
        assert!(quoted.ends_with(&OWN_RECORDS), "{quoted:?}");
    }

    proptest::proptest! {
        #[test]
        fn different_names_are_displayed_differently(
            one in proptest::collection::vec(proptest::sample::select(&b"\\\\xfq8\xff\xc3\xa9"[..]), 0..9),
            times in 0..3_usize,
        ) {
            let mut names = std::collections::BTreeSet::from([one.clone()]);
            let mut shown = KeyName::new(one).display();

            // A displayed form, used as a name in turn, is the one most easily mistaken.
            for _ in 0..times {
                names.insert(shown.clone().into_bytes());
                shown = KeyName::new(shown.into_bytes()).display();
            }

            let looks: std::collections::BTreeSet<String> =
                names.iter().map(|name| KeyName::new(name.clone()).display()).collect();
            proptest::prop_assert_eq!(looks.len(), names.len());
        }
    }
}
