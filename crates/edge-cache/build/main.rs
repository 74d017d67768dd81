//! Writes the code of this crate's scripts, which `lua!` and `script!` include.

mod lua;

use std::path::{Path, PathBuf};
use std::{env, io};

fn main() -> io::Result<()> {
    let sources = Path::new("src/scripts");
    println!("cargo::rerun-if-changed={}", sources.display());

    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    lua::write_scripts(sources, &PathBuf::from(out).join("scripts"))
}
