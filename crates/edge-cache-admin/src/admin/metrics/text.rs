//! The text format, version 0.0.4: families of samples, each with its type and help.
//!
//! Written by hand, because the format is one line a sample. The crates for it bring registries,
//! which are useless to a component that keeps nothing between two scrapes.

use std::fmt::Write;

/// The type of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// The page so far, and the head of the family being written, which is added with its first sample.
#[derive(Debug, Default)]
pub(super) struct Text {
    page: String,
    name: &'static str,
    head: String,
}

impl Text {
    /// Begins a family of samples.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.name = name;
        self.head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds a family of one sample without labels.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// Adds a sample to the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.page.push_str(&std::mem::take(&mut self.head));
        self.page.push_str(self.name);

        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
            .collect();
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
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_without_samples_is_omitted() {
        let mut text = Text::default();

        text.family("none", Kind::Gauge, "Nothing.");
        text.metric("some", Kind::Counter, "Something.", 0.5);

        let page = "# HELP some Something.\n# TYPE some counter\nsome 0.5\n";
        assert_eq!(text.finish(), page);
    }

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();

        text.family("some", Kind::Counter, "Something.");
        text.sample(&[("module", "a\"b\\c\nd")], 3.0);

        let page = text.finish();
        assert!(
            page.ends_with("some{module=\"a\\\"b\\\\c\\nd\"} 3\n"),
            "{page}"
        );
    }
}
