//! With the feature `compiled-configuration`, compiles in the configuration file that the build names. A
//! mistake in it fails the build with its place.

use std::path::Path;
use std::{env, fs};

/// The variable that names the file: an absolute path, or one relative to this crate.
const FILE_VARIABLE: &str = "EDGE_CACHE_CONFIG";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed={FILE_VARIABLE}");
    let file = env::var(FILE_VARIABLE).unwrap_or_default();
    let text = if file.is_empty() {
        String::new()
    } else {
        println!("cargo::rerun-if-changed={file}");
        checked_text(Path::new(&file))?
    };

    // Without its folder, which is of interest to nobody else.
    let name = Path::new(&file).file_name().unwrap_or_default().display();
    println!("cargo::rustc-env=EDGE_CACHE_CONFIG_FILE={name}");
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("edge-cache.toml"), text).map_err(|error| error.to_string())
}

#[cfg(feature = "compiled-configuration")]
fn checked_text(file: &Path) -> Result<String, String> {
    Ok(edge_cache_admin::configuration::check_file(file)?)
}

#[cfg(not(feature = "compiled-configuration"))]
fn checked_text(file: &Path) -> Result<String, String> {
    Err(format!(
        "{FILE_VARIABLE} names {}, which needs the feature compiled-configuration of edge-cache-spin: \
         scripts/build sets it",
        file.display()
    ))
}
