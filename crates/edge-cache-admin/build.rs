//! Lists the scripts of this crate and of `edge-cache` by their names, so that the slow log can name
//! them. The list is read from their declarations (`script!`), so it needs no upkeep.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The macro that declares a script.
const DECLARATION: &str = "script!(";

fn main() -> io::Result<()> {
    let admin = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let library = admin.join("../edge-cache");
    let mut list = String::from("static OWN_SCRIPTS: &[(&str, &Script)] = &[\n");

    for root in [&library, &admin] {
        println!("cargo::rerun-if-changed={}", root.join("src").display());
        let mut files = Vec::new();
        collect_sources(&root.join("src"), &mut files)?;
        files.sort();

        for file in files {
            for script in declared_scripts(&fs::read_to_string(file)?) {
                // Writing to a string cannot fail.
                let _ = writeln!(list, "{}", script.entry(root, &library, &admin));
            }
        }
    }

    list.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("own_scripts.rs"), list)
}

/// A declaration: the script's name, and the parts it needs.
struct Declared {
    name: String,
    parts: Vec<String>,
}

impl Declared {
    /// The entry of the list.
    fn entry(&self, root: &Path, library: &Path, admin: &Path) -> String {
        let parts = self.parts.iter().filter_map(|part| {
            let (room, constant) = part.split_once("::")?;
            let crate_folder = if room == "lua" { admin } else { library };
            Some(lua_file(
                crate_folder,
                &format!("lib/{}", constant.to_lowercase()),
            ))
        });
        let own = std::iter::once(lua_file(root, &self.name));
        let included: Vec<String> = parts
            .chain(own)
            .map(|file| format!("edge_cache::lua!({:?})", file.display().to_string()))
            .collect();

        format!(
            "({:?}, {{ const PARTS: &[&str] = &[{}]; static SCRIPT: Script = Script::repeatable(PARTS); &SCRIPT }}),",
            self.name,
            included.join(", ")
        )
    }
}

fn lua_file(crate_folder: &Path, name: &str) -> PathBuf {
    crate_folder.join(format!("src/scripts/{name}.lua"))
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
