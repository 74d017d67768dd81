//! The application's variables: those that `[variables]` declares, with their values for this run.
//!
//! The value comes from the first of these that has one: `--variable`, `SPIN_VARIABLE_<NAME>` in the
//! environment, the same name in a `.env` file of the working directory, the default. All values are
//! read once, at start-up, so that the host reports a missing one before it listens.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use thiserror::Error;

use crate::manifest::VariableDeclaration;
use crate::template::{Template, TemplateError};

/// Every declared variable with its value.
#[derive(Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

/// Reason why the variables of an application cannot be resolved.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VariableError {
    /// Required variables without a value.
    #[error(
        "required variable {names} is not set; set {settings} in the environment or pass --variable NAME=VALUE"
    )]
    Missing { names: String, settings: String },
    /// `--variable` for a name the manifest does not declare.
    #[error("--variable {0}: [variables] in the manifest declares no such variable")]
    Undeclared(String),
    /// A name that Spin refuses.
    #[error("invalid variable name: {0}")]
    InvalidName(String),
}

impl Variables {
    /// Resolves every declared variable. `given` holds the values of the command line;
    /// `environment` reads one variable of the process.
    ///
    /// # Errors
    /// An invalid name, a value for an undeclared variable, or required variables without a value
    /// (all of them in one error).
    pub fn resolve(
        declared: &IndexMap<String, VariableDeclaration>,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VariableError> {
        if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
            return Err(VariableError::Undeclared(name.clone()));
        }

        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, declaration) in declared {
            check_name(name).map_err(VariableError::InvalidName)?;
            let value = given
                .get(name)
                .cloned()
                .or_else(|| environment(&setting(name)))
                .or_else(|| declaration.default.clone());
            match value {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => missing.push(name.as_str()),
            }
        }

        if missing.is_empty() {
            return Ok(Self(values));
        }
        let settings: Vec<_> = missing.iter().map(|name| setting(name)).collect();
        Err(VariableError::Missing {
            names: missing.join(", "),
            settings: settings.join(", "),
        })
    }

    /// Returns the value of one variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Renders `template` with this application's values.
    ///
    /// # Errors
    /// See [`Template::parse`] and [`Template::render`].
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        Template::parse(template)?.render(|name| self.get(name))
    }
}

/// Returns the environment variable that sets `name`.
fn setting(name: &str) -> String {
    format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())
}

/// Checks Spin's rule for names of variables.
///
/// # Errors
/// The reason why the name is refused, in the text that a component receives.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let reason = if name.is_empty() {
        "must not be empty".to_owned()
    } else if let Some(found) = name.chars().find(|c| !allowed(*c)) {
        format!(
            "invalid character {found:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        )
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "must start with a lowercase ASCII letter".to_owned()
    } else if name.ends_with('_') {
        "must end with a lowercase ASCII letter or digit".to_owned()
    } else if name.contains("__") {
        "must not contain multiple consecutive underscores".to_owned()
    } else {
        return Ok(());
    };

    Err(format!("{name:?}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> IndexMap<String, VariableDeclaration> {
        let toml = "host = { default = 'localhost' }\ntoken = { required = true, secret = true }";
        toml::from_str(toml).unwrap()
    }

    fn resolve(
        given: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Variables, VariableError> {
        let given = given
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();

        Variables::resolve(&declared(), &given, |name| {
            environment
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn the_environment_overrides_the_default() {
        let variables = resolve(
            &[],
            &[("SPIN_VARIABLE_TOKEN", "t"), ("SPIN_VARIABLE_HOST", "h")],
        )
        .unwrap();

        assert_eq!(variables.get("host"), Some("h"));
        assert_eq!(variables.render("{{ host }}/{{ token }}").unwrap(), "h/t");
    }

    #[test]
    fn the_command_line_overrides_the_environment() {
        let variables = resolve(&[("token", "cli")], &[("SPIN_VARIABLE_TOKEN", "env")]).unwrap();

        assert_eq!(variables.get("token"), Some("cli"));
        assert_eq!(variables.get("host"), Some("localhost"));
    }

    #[test]
    fn a_missing_required_variable_is_named_with_the_setting_that_fills_it() {
        let message = resolve(&[], &[]).unwrap_err().to_string();
        assert!(message.contains("variable token is not set"), "{message}");
        assert!(message.contains("SPIN_VARIABLE_TOKEN"), "{message}");
    }

    #[test]
    fn a_value_for_an_undeclared_variable_is_refused() {
        assert_eq!(
            resolve(&[("tokn", "x")], &[]).unwrap_err(),
            VariableError::Undeclared("tokn".into())
        );
    }

    #[test]
    fn names_follow_the_rule_of_spin() {
        for valid in ["a", "a1_b2", "redis_host"] {
            assert_eq!(check_name(valid), Ok(()));
        }
        for invalid in ["", "A", "a-b", "_a", "1a", "a_", "a__b"] {
            assert!(check_name(invalid).is_err(), "{invalid}");
        }
    }
}
