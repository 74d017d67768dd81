//! Reads the answer of `INFO`: `name:value` lines in sections.

/// The fields of an `INFO` reply.
#[derive(Debug, Clone, Default)]
pub struct Info(String);

impl Info {
    /// Wraps a reply; nothing is checked, a field that is missing is simply not there.
    pub fn new(reply: impl Into<String>) -> Self {
        Self(reply.into())
    }

    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
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
        assert_eq!((info.number("absent"), info.text("memory")), (0, None));
    }
}
