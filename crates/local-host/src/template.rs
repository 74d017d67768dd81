//! Templates, texts that contain `{{ variable }}`: the variables of components,
//! `allowed_outbound_hosts` and the settings of the Redis trigger in `spin.toml`.

use thiserror::Error;

/// A parsed template: literal parts and names of application variables, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// Reason why a template cannot be parsed or rendered.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// An expression was opened and never closed.
    #[error("`{0}` opens `{{{{` without closing it; write `{{{{ variable }}}}`")]
    Unclosed(String),
    /// An expression names a variable that `[variables]` does not declare.
    #[error("`{{{{ {0} }}}}` names a variable that [variables] does not declare")]
    Unknown(String),
}

impl Template {
    /// Splits `text` at its expressions.
    ///
    /// # Errors
    /// `{{` without `}}` after it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, tail) = after
                .split_once("}}")
                .ok_or_else(|| TemplateError::Unclosed(text.to_owned()))?;

            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Returns true if the template contains no variables.
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Replaces every variable with its value from `lookup`.
    ///
    /// # Errors
    /// A variable that `lookup` does not know.
    pub fn render<'v>(
        &self,
        lookup: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(name) => {
                    let value = lookup(name);
                    text.push_str(value.ok_or_else(|| TemplateError::Unknown(name.clone()))?);
                }
            }
        }

        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> Result<String, TemplateError> {
        Template::parse(text)?.render(|name| (name == "host").then_some("db.example"))
    }

    #[test]
    fn a_text_without_braces_is_unchanged() {
        assert_eq!(render("redis://a:1").unwrap(), "redis://a:1");
        assert!(Template::parse("redis://a:1").unwrap().is_literal());
        assert_eq!(render("").unwrap(), "");
    }

    #[test]
    fn variables_are_replaced_at_every_position() {
        assert_eq!(render("{{ host }}").unwrap(), "db.example");
        assert_eq!(
            render("redis://{{host}}:{{ host }}/").unwrap(),
            "redis://db.example:db.example/"
        );
    }

    #[test]
    fn an_unclosed_expression_is_refused() {
        assert!(matches!(
            render("a {{ host"),
            Err(TemplateError::Unclosed(_))
        ));
    }

    #[test]
    fn an_undeclared_variable_is_named() {
        assert_eq!(
            render("{{ other }}"),
            Err(TemplateError::Unknown("other".into()))
        );
    }

    #[test]
    fn a_lone_closing_brace_pair_is_text() {
        assert_eq!(render("a }} b").unwrap(), "a }} b");
    }
}
