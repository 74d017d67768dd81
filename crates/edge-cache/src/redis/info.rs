//! Reply of `INFO`: `name:value` lines in sections.

use super::command::Command;
use super::connection::Redis;
use super::reply::Replies;
use crate::error::RedisError;

/// Reads which process of the server replies; empty where the server does not say it. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_run_id<R: Redis>(node: &R) -> Result<String, RedisError> {
    let read = Command::read("INFO").arg("server");
    match node.execute(read).await {
        Ok(replies) => {
            let info = Info::new(Replies::new(replies).text()?);
            Ok(info.text("run_id").unwrap_or_default().to_owned())
        }
        Err(error) if error.is_unavailable() => Err(error),
        Err(_) => Ok(String::new()),
    }
}

/// The fields of an `INFO` reply. The reply is parsed once, because it has some 200 fields and
/// statistics read 20 of them.
#[derive(Debug, Clone, Default)]
pub struct Info {
    reply: String,
    fields: Vec<Field>,
}

/// Beginning of a field's line in the reply, and the lengths of its name and of the line, in bytes.
#[derive(Debug, Clone, Copy)]
struct Field {
    start: usize,
    name: usize,
    line: usize,
}

impl Info {
    /// Parses a reply. Lines without a colon are skipped.
    pub fn new(reply: impl Into<String>) -> Self {
        let reply = reply.into();
        let mut start = 0;
        let field = |line: &str| {
            let here = start;
            start += line.len();
            Some(Field {
                start: here,
                name: line.find(':')?,
                line: line.len(),
            })
        };

        let fields = reply.split_inclusive('\n').filter_map(field).collect();
        Self { reply, fields }
    }

    /// Returns a field's text; `None` where it is missing.
    pub fn text(&self, name: &str) -> Option<&str> {
        let named = |field: &&Field| {
            field.name == name.len() && self.reply[field.start..].starts_with(name)
        };
        let field = self.fields.iter().find(named)?;
        Some(self.reply[field.start + field.name + 1..field.start + field.line].trim())
    }

    /// Returns a field as a whole number; `None` where it is missing or is not one.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// Returns a field as a finite decimal number; `None` where it is missing or is not one.
    pub fn decimal(&self, name: &str) -> Option<f64> {
        self.text(name)?
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = Info::new(
            "# Memory\r\nused_memory_peak:9\r\nused_memory:42\r\nmem_fragmentation_ratio:1.25\r\nrun_id:ab:c\r\n",
        );

        assert_eq!(info.number("used_memory"), Some(42));
        assert_eq!(info.text("run_id"), Some("ab:c"));
        assert_eq!(info.decimal("mem_fragmentation_ratio"), Some(1.25));
        assert_eq!(info.number("absent"), None);
        assert_eq!(info.text("memory"), None);
        assert_eq!(info.text("used"), None);
        assert_eq!(Info::new("").text(""), None);
    }
}
