//! Compiles the plan, so that a mistake in it fails the build with its line.

use std::{env, fs, path::Path};

/// The variable that names another plan than `warmup.toml` beside this file: an absolute path, or
/// one relative to the component.
const PLAN_VARIABLE: &str = "WARMUP_PLAN";

fn main() -> Result<(), String> {
    let file = env::var(PLAN_VARIABLE).unwrap_or_else(|_| "warmup.toml".into());
    println!("cargo::rerun-if-env-changed={PLAN_VARIABLE}");
    println!("cargo::rerun-if-changed={file}");

    let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let plan = edge_cache_admin::warmup::Plan::compile(&text)
        .map_err(|error| format!("{file}: {error}"))?;

    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("warmup.json"), plan).map_err(|error| error.to_string())
}
