//! The text format, version 0.0.4: families of samples, each with its type and help.
//!
//! Written here because the format is a line a sample, and the crates for it come with registries that a component, which
//! remembers nothing between two scrapes, has no use for.

use std::fmt::Write;

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// The page so far, and the family being written: its head comes with its first sample.
#[derive(Debug, Default)]
pub(super) struct Text {
    page: String,
    name: &'static str,
    head: String,
}

impl Text {
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.name = name;
        self.head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.page.push_str(&std::mem::take(&mut self.head));
        self.page.push_str(self.name);
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        if !labels.is_empty() {
            self.page.push('{');
            self.page.push_str(&labels.join(","));
            self.page.push('}');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(self.page, " {value}");
    }

    pub(super) fn finish(self) -> String {
        self.page
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_without_samples_is_left_out_and_labels_are_escaped() {
        let mut text = Text::default();
        text.family("none", Kind::Gauge, "Nothing.");
        text.family("some", Kind::Counter, "Something.");
        text.sample(&[("module", "a\"b\\c\nd")], 3.0);
        text.sample(&[], 0.5);
        let page = "# HELP some Something.\n# TYPE some counter\nsome{module=\"a\\\"b\\\\c\\nd\"} 3\nsome 0.5\n";
        assert_eq!(text.finish(), page);
    }
}
