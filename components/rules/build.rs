//! With the feature `check-configuration`, checks `edge-cache.toml` at the root, so that a mistake in it
//! fails the build with its place. This component has the check because it is among the quickest to
//! compile again.

#[cfg(feature = "check-configuration")]
fn main() -> Result<(), String> {
    const FILE: &str = "../../edge-cache.toml";

    println!("cargo::rerun-if-changed={FILE}");
    edge_cache_admin::configuration::check_file(std::path::Path::new(FILE))?;
    Ok(())
}

#[cfg(not(feature = "check-configuration"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
