//! Mistakes in a plan.

use std::fmt;

/// A mistake in a plan and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    problem: String,
    /// The field with the mistake and its value, by which the line is found.
    place: Option<(&'static str, String)>,
}

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl PlanError {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            place: None,
        }
    }

    /// Notes the field with the mistake and its value.
    pub(super) fn at(self, field: &'static str, value: &str) -> Self {
        Self {
            place: Some((field, value.to_owned())),
            ..self
        }
    }

    /// Adds the number of the line that sets the field.
    #[cfg(feature = "compile")]
    pub(super) fn with_line_in(mut self, text: &str) -> Self {
        let Some((field, value)) = &self.place else {
            return self;
        };
        let quoted = [format!("\"{value}\""), format!("'{value}'")];

        let sets_field = |line: &str| {
            let before_value = quoted
                .iter()
                .find_map(|quoted| line.split_once(quoted.as_str()))
                .map(|(before, _)| before.trim_end_matches([' ', '=']));
            before_value.is_some_and(|before| before.ends_with(field))
        };
        if let Some(index) = text.lines().position(sets_field) {
            self.problem = format!("line {}: {}", index + 1, self.problem);
        }
        self
    }
}
