//! Reads the answer of `INFO`: `name:value` lines in sections.

/// The fields of an `INFO` reply. The reply is gone through once: it has some 200 fields, and statistics ask for 20.
#[derive(Debug, Clone, Default)]
pub struct Info {
    reply: String,
    fields: Vec<Field>,
}

/// Where a field's line begins in the reply, and how long its name and the whole of it are, in bytes.
#[derive(Debug, Clone, Copy)]
struct Field {
    start: usize,
    name: usize,
    line: usize,
}

impl Info {
    /// Wraps a reply; nothing is checked, a field that is missing is simply not there.
    pub fn new(reply: impl Into<String>) -> Self {
        let reply = reply.into();
        let mut start = 0;
        let field = |line: &str| {
            let here = start;
            start += line.len();
            Some(Field { start: here, name: line.find(':')?, line: line.len() })
        };
        let fields = reply.split_inclusive('\n').filter_map(field).collect();
        Self { reply, fields }
    }

    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let named = |field: &&Field| field.name == name.len() && self.reply[field.start..].starts_with(name);
        let field = self.fields.iter().find(named)?;
        Some(self.reply[field.start + field.name + 1..field.start + field.line].trim())
    }

    /// A field as a whole number, 0 where it is missing or something else.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// A field as a decimal number.
    pub fn decimal(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok().filter(|value: &f64| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = Info::new(
            "# Memory\r\nused_memory_peak:9\r\nused_memory:42\r\nmem_fragmentation_ratio:1.25\r\nrun_id:ab:c\r\n",
        );
        assert_eq!(info.number("used_memory"), 42);
        assert_eq!(info.text("run_id"), Some("ab:c"));
        assert_eq!(info.decimal("mem_fragmentation_ratio"), Some(1.25));
        assert_eq!((info.number("absent"), info.text("memory"), info.text("used")), (0, None, None));
        assert_eq!(Info::new("").text(""), None);
    }
}
