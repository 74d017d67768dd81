//! Validates invalidation.toml at build time. Errors name the line.

use std::{env, fs, path::Path};

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=invalidation.toml");
    let text = fs::read_to_string("invalidation.toml")
        .map_err(|error| format!("invalidation.toml: {error}"))?;
    let rules = edge_cache_admin::admin::events::EventRules::compile(&text)
        .map_err(|error| format!("invalidation.toml: {error}"))?;

    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("invalidation.json"), rules).map_err(|error| error.to_string())
}
