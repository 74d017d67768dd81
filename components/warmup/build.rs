//! Checks warmup.toml, so that a mistake in it is told with its line before anything is deployed.

use std::{env, fs, path::Path};

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=warmup.toml");
    let text = fs::read_to_string("warmup.toml").map_err(|error| format!("warmup.toml: {error}"))?;
    let plan = edge_cache::warmup::Plan::compile(&text).map_err(|error| format!("warmup.toml: {error}"))?;
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("warmup.json"), plan).map_err(|error| error.to_string())
}
