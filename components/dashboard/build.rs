//! Writes a table of the files that `npm run build` created in dashboard/dist, each with its
//! compressed forms and a tag.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

const DIST: &str = "../../dashboard/dist";
const MISSING: &str = "dashboard/dist is missing or incomplete: run `npm ci && npm run build` in dashboard/ first \
                       (scripts/build does both, scripts/setup installs Node where it is missing)";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed={DIST}");
    let dist = fs::canonicalize(DIST).map_err(|error| format!("{MISSING}: {error}"))?;
    let mut files = Vec::new();
    collect(&dist, &mut files).map_err(|error| format!("{MISSING}: {error}"))?;
    files.sort();

    if !files.contains(&dist.join("index.html")) {
        return Err(MISSING.into());
    }
    let mut table = String::from("&[\n");
    for file in files {
        table.push_str(&entry(&dist, &file)?);
    }
    table.push_str("]\n");

    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    fs::write(Path::new(&out).join("files.rs"), table).map_err(|error| error.to_string())
}

/// Collects all files but the compressed forms.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_none_or(|extension| extension != "br" && extension != "gz")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the path of a file's compressed form.
fn compressed_form(file: &Path, suffix: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(format!("{}{suffix}", file.display()));
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{MISSING}: there is no {}", path.display()))
}

/// Writes the table's entry for a file.
fn entry(dist: &Path, file: &Path) -> Result<String, String> {
    let name = file
        .strip_prefix(dist)
        .map_err(|error| error.to_string())?
        .to_string_lossy()
        .replace('\\', "/");
    let content_type = match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => {
            return Err(format!(
                "dashboard/dist/{name}: no content type is known for such files; add it to build.rs"
            ));
        }
    };

    let plain = fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    let tag: String = Sha256::digest(&plain)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();

    let mut text = String::new();
    writeln!(
        text,
        "File {{ name: {name:?}, content_type: {content_type:?}, tag: {tag:?}, \
         plain: include_bytes!({file:?}), brotli: include_bytes!({:?}), gzip: include_bytes!({:?}) }},",
        compressed_form(file, ".br")?,
        compressed_form(file, ".gz")?
    )
    .map_err(|error| error.to_string())?;
    Ok(text)
}
