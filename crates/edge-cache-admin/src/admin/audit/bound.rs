//! The bound of a record: a caller may send a megabyte; the trail keeps 4 KiB of it.

use super::outcome::AuditOutcome;
use super::record::AuditRecord;

/// The longest name in a record.
const MAX_NAME_BYTES: usize = 256;
/// The longest detail or error.
const MAX_TEXT_BYTES: usize = 256;
/// The longest detail, error and pattern when the record would be too long even without names.
const MAX_TEXT_BYTES_WHEN_TIGHT: usize = MAX_TEXT_BYTES / 8;
/// The longest record as JSON.
const MAX_RECORD_BYTES: usize = 4096;
/// Room for the part of a detail that counts the names left out.
const COUNT_BYTES: usize = 64;

impl AuditRecord {
    /// The record as JSON of at most 4 KiB; see [`AuditRecord::bounded`].
    pub(super) fn to_json(&self) -> String {
        json(&self.bounded())
    }

    /// The record within its bounds, as the trail or a log keeps it: long names and texts are
    /// shortened, and names left out from the end of the longest list until it fits. `cut` is then
    /// set.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let mut record = self.clone();

        let lists = [&mut record.keys, &mut record.patterns, &mut record.tags];
        for name in lists.into_iter().flatten().chain(&mut record.pattern) {
            record.cut |= shorten(name, MAX_NAME_BYTES);
        }
        for text in [&mut record.detail, &mut record.error]
            .into_iter()
            .flatten()
        {
            record.cut |= shorten(text, MAX_TEXT_BYTES);
        }
        record
            .keys_base64
            .retain(|name, _| name.len() <= MAX_NAME_BYTES);

        let mut length = json(&record).len();
        while length > MAX_RECORD_BYTES
            && let Some(difference) = &mut record.difference
            && difference.halve()
        {
            length = json(&record).len();
        }
        if length > MAX_RECORD_BYTES {
            record.leave_out_names(length);
        }
        record
    }

    /// A record of the same kind without names, as JSON: the beginning of a summary record.
    pub(super) fn summary(&self) -> String {
        let summary = Self {
            at: self.at.clone(),
            who: self.who.clone(),
            role: self.role.clone(),
            alike: self.alike.clone(),
            ip: self.ip.clone(),
            request_id: self.request_id.clone(),
            outcome: AuditOutcome::Summed,
            stream: self.stream,
            ..Self::new(&self.action)
        };

        json(&summary)
    }

    /// Shortens a record of `length` bytes to 4 KiB.
    fn leave_out_names(&mut self, mut length: usize) {
        let mut left_out = 0;
        while length + COUNT_BYTES > MAX_RECORD_BYTES {
            let lists = [&mut self.keys, &mut self.patterns, &mut self.tags];
            let longest = lists
                .into_iter()
                .max_by_key(|names| names.iter().map(|name| json_len(name)).sum::<usize>());
            let Some(name) = longest.and_then(Vec::pop) else {
                break;
            };
            let comma = 1;
            length = length.saturating_sub(json_len(&name) + comma);
            if let Some(base64) = self.keys_base64.remove(&name) {
                let colon = 1;
                length = length.saturating_sub(json_len(&name) + colon + json_len(&base64) + comma);
            }
            left_out += 1;
        }

        self.cut = true;
        let detail = self
            .detail
            .take()
            .map(|detail| format!("{detail}; "))
            .unwrap_or_default();
        self.detail = Some(format!("{detail}and {left_out} more names"));

        // JSON writes a control character as six bytes, so a short text may still be too long.
        for text in [&mut self.error, &mut self.detail, &mut self.pattern]
            .into_iter()
            .flatten()
        {
            if length > MAX_RECORD_BYTES {
                length = length.saturating_sub(json_len(text));
                shorten(text, MAX_TEXT_BYTES_WHEN_TIGHT);
                length += json_len(text);
            }
        }
    }
}

fn json(record: &AuditRecord) -> String {
    // A plain structure with string keys always serializes.
    serde_json::to_string(record).unwrap_or_default()
}

fn json_len(text: &str) -> usize {
    serde_json::to_string(text).map_or(0, |json| json.len())
}

/// Shortens a text to at most `max_bytes`, with an ellipsis at its end. Returns true if it was
/// longer.
fn shorten(text: &mut String, max_bytes: usize) -> bool {
    if text.len() <= max_bytes {
        return false;
    }

    let end = text.floor_char_boundary(max_bytes.saturating_sub('…'.len_utf8()));
    text.truncate(end);
    text.push('…');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge_cache::keyspace::key::KeyName;

    fn with_keys(names: impl IntoIterator<Item = String>) -> AuditRecord {
        AuditRecord {
            keys: names.into_iter().collect(),
            ..AuditRecord::new("invalidate")
        }
    }

    #[test]
    fn a_long_name_is_shortened_and_marked() {
        let record = with_keys(["k".repeat(256), "é".repeat(5_000)]).bounded();

        assert!(record.cut);
        assert_eq!(record.keys[0], "k".repeat(256));
        assert!(record.keys[1].len() <= 256);
        assert!(record.keys[1].ends_with("é…"));
    }

    #[test]
    fn base64_is_kept_for_the_names_that_are_there_whole() {
        let name = |length| [b"\xff".as_slice(), &vec![b'k'; length]].concat();
        let keys: Vec<_> = [2, 3, 300].map(name).map(KeyName::new).into();
        let few = AuditRecord::new("invalidate").with_keys(&keys).bounded();
        let keys: Vec<_> = (100..200).map(name).map(KeyName::new).collect();
        let many = AuditRecord::new("invalidate").with_keys(&keys);

        assert_eq!(few.keys_base64.len(), 2);
        assert!(few.cut);

        let json = many.to_json();
        let read: AuditRecord = serde_json::from_str(&json).unwrap();
        assert!(json.len() <= MAX_RECORD_BYTES, "{} bytes", json.len());
        assert!(read.keys.len() >= 5, "{}", read.keys.len());
        let named: Vec<_> = read.keys_base64.into_keys().collect();
        let mut keys = read.keys;
        keys.sort();
        assert_eq!(named, keys);
    }

    #[test]
    fn names_of_256_bytes_are_kept() {
        assert!(!with_keys(["k".repeat(256)]).bounded().cut);
    }

    #[test]
    fn a_record_has_at_most_4_kib_whatever_it_names() {
        let names = [
            "k".repeat(10_000),
            "\u{1}".repeat(10_000),
            "é\"\\\u{2028}".repeat(100),
            "short".into(),
        ];
        for name in names {
            let many = || vec![name.clone(); 100];
            let record = AuditRecord {
                patterns: many(),
                tags: many(),
                pattern: Some(name.clone()),
                detail: Some(name.clone()),
                error: Some(name.clone()),
                ..with_keys(many())
            };

            let json = record.to_json();

            assert!(json.len() <= MAX_RECORD_BYTES, "{} bytes", json.len());
            assert!(json.ends_with("\"outcome\":\"ok\"}"), "{json}");
            let read: AuditRecord = serde_json::from_str(&json).unwrap();
            assert_eq!(read.cut, name != "short", "{json}");
        }
    }

    #[test]
    fn names_that_are_left_out_are_counted() {
        let record = with_keys((0..100).map(|n| format!("{n:0>200}"))).bounded();

        let left_out = 100 - record.keys.len();
        assert_eq!(record.detail, Some(format!("and {left_out} more names")));
        assert!(record.keys.len() >= 15, "{}", record.keys.len());
    }
}
