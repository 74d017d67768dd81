//! The configuration file of this component: the one that its build compiled in, else the one that its
//! manifest mounts, else an empty one.
//!
//! An instance reads the file once. A component contains the code for those sections only that it asks
//! for.

use std::cell::OnceCell;
use std::{fs, io};

use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::input::FileError;

/// The file that a manifest mounts: `files = ["edge-cache.toml"]`.
const MOUNTED_FILE: &str = "/edge-cache.toml";
/// The name of that file in errors.
const MOUNTED_NAME: &str = "edge-cache.toml";
/// The file that the build compiled in; empty for none.
const COMPILED_NAME: &str = env!("EDGE_CACHE_CONFIG_FILE");
/// The text of that file.
const COMPILED_TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/edge-cache.toml"));

thread_local! {
    static CONFIGURATION: OnceCell<Result<Configuration<'static>, FileError>> =
        const { OnceCell::new() };
}

/// Reads a section of the configuration file.
///
/// # Errors
/// A file that cannot be read, or the first mistake in its syntax or in that section.
pub(crate) fn read<T>(
    section: impl FnOnce(&Configuration<'static>) -> Result<T, FileError>,
) -> Result<T, FileError> {
    CONFIGURATION.with(|configuration| match configuration.get_or_init(read_file) {
        Ok(configuration) => section(configuration),
        Err(error) => Err(error.clone()),
    })
}

fn read_file() -> Result<Configuration<'static>, FileError> {
    if !COMPILED_NAME.is_empty() {
        return Configuration::parse(COMPILED_NAME, COMPILED_TEXT);
    }
    match fs::read_to_string(MOUNTED_FILE) {
        // The text is kept for as long as the instance lives.
        Ok(text) => Configuration::parse(MOUNTED_NAME, text.leak()),
        Err(error) if is_absent(&error) => Configuration::parse(MOUNTED_NAME, ""),
        Err(error) => Err(FileError::unreadable(MOUNTED_NAME, error)),
    }
}

/// True if the file is not mounted. A component without any files has no directory either, which is
/// an error without a number of the system.
fn is_absent(error: &io::Error) -> bool {
    let has_no_directory = error.raw_os_error().is_none();
    error.kind() == io::ErrorKind::NotFound
        || (has_no_directory && error.kind() != io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_without_a_file_has_an_empty_configuration() {
        let ttls = read(Configuration::ttls);
        assert_eq!(ttls.map(|ttls| ttls.rows().len()), Ok(0));
    }

    #[test]
    fn a_file_that_is_not_text_is_not_taken_for_an_absent_one() {
        assert!(is_absent(&io::Error::from(io::ErrorKind::NotFound)));
        assert!(!is_absent(&io::Error::from(io::ErrorKind::InvalidData)));
        assert!(!is_absent(&io::Error::from_raw_os_error(5)));
    }
}
