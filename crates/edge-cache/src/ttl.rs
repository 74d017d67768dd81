//! How long values live: the table of prefixes, and the rule that picks from it.

use std::time::Duration;

/// How long a value lives whose key is in no table.
pub const DEFAULT: Duration = Duration::from_secs(300);

/// The built-in table, in seconds. The longest prefix that ends at a `:` boundary wins.
pub const TABLE: [(&str, u64); 14] = [
    // Real-time data.
    ("stock:available", 60),
    ("dashboard:realtime", 120),
    ("orders:recent", 180),
    ("dashboard:stats", 300),
    // Frequent updates.
    ("users:count", 600),
    ("products:popular", 900),
    ("blog:articles", 1800),
    ("suppliers:list", 1800),
    // Stable data.
    ("seo:stats", 3600),
    ("manufacturers:list", 3600),
    ("vehicles:brands", 3600),
    ("config:main", 3600),
    // Very stable data.
    ("static:content", 7200),
    ("legal:terms", 14400),
];

/// The time to live of a key by the table: that of the longest prefix ending at a `:` boundary, else [`DEFAULT`].
pub fn for_key(key: &str) -> Duration {
    let ends_at_boundary =
        |prefix: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let longest = TABLE.iter().filter(|(prefix, _)| ends_at_boundary(prefix)).max_by_key(|(prefix, _)| prefix.len());
    longest.map_or(DEFAULT, |(_, seconds)| Duration::from_secs(*seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_at_a_boundary_wins() {
        let cases = [
            ("stock:available", 60),
            ("stock:available:warehouse:3", 60),
            ("stock:availables", 300),
            ("products:popular:list", 900),
            ("legal:terms:fr", 14_400),
            ("unknown:key", 300),
            ("", 300),
        ];
        for (key, seconds) in cases {
            assert_eq!(for_key(key), Duration::from_secs(seconds), "{key}");
        }
    }
}
