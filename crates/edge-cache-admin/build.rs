//! Writes the code of this crate's scripts, which `lua!` and `script!` include. Lists these scripts and
//! those of `edge-cache` by their names, so that the slow log can name them. The list is read from
//! their declarations (`script!`), so it needs no upkeep.

#[path = "../edge-cache/build/lua.rs"]
mod lua;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The macro that declares a script.
const DECLARATION: &str = "script!(";

/// The folders below `OUT_DIR` with the code of the scripts of this crate and of `edge-cache`.
const SCRIPTS: &str = "scripts";
const LIBRARY_SCRIPTS: &str = "library-scripts";

fn main() -> io::Result<()> {
    let admin = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let library = admin.join("../edge-cache");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    let out = PathBuf::from(out);
    let mut list = String::from("static OWN_SCRIPTS: &[(&str, &Script)] = &[\n");

    for (root, scripts) in [(&library, LIBRARY_SCRIPTS), (&admin, SCRIPTS)] {
        println!("cargo::rerun-if-changed={}", root.join("src").display());
        lua::write_scripts(&root.join("src/scripts"), &out.join(scripts))?;
        let mut files = Vec::new();
        collect_sources(&root.join("src"), &mut files)?;
        files.sort();

        for file in files {
            for script in declared_scripts(&fs::read_to_string(file)?) {
                // Writing to a string cannot fail.
                let _ = writeln!(list, "{}", script.entry(scripts));
            }
        }
    }

    list.push_str("];\n");
    fs::write(out.join("own_scripts.rs"), list)
}

/// A declaration: the script's name, and the parts it needs.
struct Declared {
    name: String,
    parts: Vec<String>,
}

impl Declared {
    /// The entry of the list; `scripts` is the folder of the declaring crate.
    fn entry(&self, scripts: &str) -> String {
        let parts = self.parts.iter().filter_map(|part| {
            let (room, constant) = part.split_once("::")?;
            let scripts = if room == "lua" {
                SCRIPTS
            } else {
                LIBRARY_SCRIPTS
            };
            Some(included(
                scripts,
                &format!("lib/{}", constant.to_lowercase()),
            ))
        });
        let own = std::iter::once(included(scripts, &self.name));
        let included: Vec<String> = parts.chain(own).collect();

        format!(
            "({:?}, {{ const PARTS: &[&str] = &[{}]; static SCRIPT: Script = Script::repeatable(PARTS); &SCRIPT }}),",
            self.name,
            included.join(", ")
        )
    }
}

/// An expression that includes the code of a file.
fn included(scripts: &str, name: &str) -> String {
    format!(r#"include_str!(concat!(env!("OUT_DIR"), "/{scripts}/{name}.lua"))"#)
}

/// Finds the declarations in a source file: `script!(once "keys/exist", [shared::EXISTENCE])`.
fn declared_scripts(source: &str) -> Vec<Declared> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: Vec<&str> = source.lines().filter(is_code).collect();
    let code = code.join("\n");

    let after = code.split(DECLARATION).skip(1);
    after.filter_map(read_declaration).collect()
}

fn read_declaration(text: &str) -> Option<Declared> {
    let mut quoted = text.splitn(3, '"');
    let kind = quoted.next()?.trim();
    if kind != "once" && kind != "repeatable" {
        return None;
    }

    let name = quoted.next()?.to_owned();
    let (_, list) = quoted.next()?.split_once('[')?;
    let (list, _) = list.split_once(']')?;
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    Some(Declared {
        name,
        parts: parts.map(str::to_owned).collect(),
    })
}

fn collect_sources(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_sources(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
