//! Checks warmup.toml, so that a mistake in it is told with its line before anything is deployed.

use std::{env, fs, path::Path};

/// Names another file than the one beside this, absolute or relative to the component.
const PLAN: &str = "WARMUP_PLAN";

fn main() -> Result<(), String> {
    let file = env::var(PLAN).unwrap_or_else(|_| "warmup.toml".into());
    println!("cargo::rerun-if-env-changed={PLAN}");
    println!("cargo::rerun-if-changed={file}");
    let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let plan = edge_cache::warmup::Plan::compile(&text).map_err(|error| format!("{file}: {error}"))?;
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("warmup.json"), plan).map_err(|error| error.to_string())
}
