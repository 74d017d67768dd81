//! `spin.toml`, version 2: its shape, and the checks that keep its meaning the same as in Spin.
//!
//! This host knows every key that Spin knows. An unknown key is an error, and so is a known one that
//! this host cannot honour. Keys that only tools read (`build`, `tool`, `targets`, `authors`,
//! profiles) are accepted and ignored.

mod check;
mod dependency;
mod schema;

use std::path::Path;

use thiserror::Error;

pub use dependency::Dependency;
pub use schema::{
    Component, FileMount, HttpTrigger, Manifest, Route, StaticResponse, VariableDeclaration,
};

/// Reason why a manifest cannot be run.
#[derive(Debug, Error)]
pub enum ManifestError {
    #[error("cannot read {path}: {source}; name the manifest with --from")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}:{line}: {message}")]
    Malformed {
        path: String,
        line: usize,
        message: String,
    },
    #[error("{path}: spin_manifest_version must be 2, it is {found}")]
    Version { path: String, found: String },
    #[error("{path}: {place}: {problem}")]
    Refused {
        path: String,
        place: String,
        problem: String,
    },
}

/// Reads and checks the manifest at `path`.
///
/// # Errors
/// A missing file, a key that Spin does not know, an invalid value, or a feature that only `spin`
/// supports.
pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&name, &text),
        Err(source) => Err(ManifestError::Unreadable { path: name, source }),
    }
}

fn parse(path: &str, text: &str) -> Result<Manifest, ManifestError> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| malformed(path, text, &error))?;

    if manifest.spin_manifest_version.as_integer() != Some(2) {
        let found = match manifest.spin_manifest_version {
            toml::Value::Integer(number) => number.to_string(),
            other => other.type_str().to_owned(),
        };
        let path = path.to_owned();
        return Err(ManifestError::Version { path, found });
    }

    match check::check(&manifest) {
        Ok(()) => Ok(manifest),
        Err(refusal) => Err(ManifestError::Refused {
            path: path.to_owned(),
            place: refusal.place,
            problem: refusal.problem,
        }),
    }
}

fn malformed(path: &str, text: &str, error: &toml::de::Error) -> ManifestError {
    let line = match error.span() {
        Some(span) => text[..span.start].matches('\n').count() + 1,
        None => 1,
    };
    ManifestError::Malformed {
        path: path.to_owned(),
        line,
        message: error.message().replace('\n', " "),
    }
}

#[cfg(test)]
mod tests;
