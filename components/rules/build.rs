//! Checks `edge-cache.toml` at the root, so that a mistake in it fails the build with its place. This
//! component has the check because it is among the quickest to compile again.

use std::path::Path;

use edge_cache_admin::configuration::check_file;

const FILE: &str = "../../edge-cache.toml";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed={FILE}");
    check_file(Path::new(FILE))?;
    Ok(())
}
