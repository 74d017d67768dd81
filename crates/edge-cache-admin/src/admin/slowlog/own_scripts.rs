//! The scripts of edge-cache by the hashes under which a slow log has them.

use std::collections::HashMap;

use edge_cache::Namespace;
use edge_cache::redis::script::Script;

include!(concat!(env!("OUT_DIR"), "/own_scripts.rs"));

/// The longest argument that a server logs whole, in bytes.
const MAX_LOGGED_BYTES: usize = 128;

/// Names of scripts, such as `scan/delete_slice`, by their hashes.
pub(super) struct OwnScripts(HashMap<String, &'static str>);

impl OwnScripts {
    /// The scripts as a cache in this namespace sends them: by hash, and in `EVAL` by the beginning of
    /// the source, which is all that the server logs.
    pub(super) fn new(namespace: &Namespace) -> Self {
        let names = OWN_SCRIPTS.iter().flat_map(|(name, script)| {
            let (source, sha1) = script.in_namespace(namespace);
            let logged = sha1_smol::Sha1::from(logged_form(source)).digest();
            [(sha1.to_owned(), *name), (logged.to_string(), *name)]
        });
        Self(names.collect())
    }

    pub(super) fn name(&self, hash: &str) -> Option<&'static str> {
        self.0.get(hash).copied()
    }
}

/// A script's source as the server logs it.
fn logged_form(source: &str) -> Vec<u8> {
    let bytes = source.as_bytes();
    match bytes.split_at_checked(MAX_LOGGED_BYTES) {
        Some((beginning, rest)) if !rest.is_empty() => {
            let left_out = format!("... ({} more bytes)", rest.len());
            [beginning, left_out.as_bytes()].concat()
        }
        _ => bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_both_crates_is_known() {
        let names: Vec<&str> = OWN_SCRIPTS.iter().map(|(name, _)| *name).collect();
        let files = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts");
        let rooms = std::fs::read_dir(files).unwrap().flatten();

        for room in rooms.filter(|room| room.file_name() != "lib") {
            for file in std::fs::read_dir(room.path()).unwrap().flatten() {
                let room = room.file_name().into_string().unwrap();
                let file = file.file_name().into_string().unwrap();
                let name = format!("{room}/{}", file.trim_end_matches(".lua"));
                assert!(names.contains(&name.as_str()), "{name}");
            }
        }
        assert!(names.contains(&"scan/delete_slice"));
    }

    #[test]
    fn a_script_is_known_by_its_hash_in_each_namespace() {
        let shop = Namespace::parse("shop").unwrap();
        let (_, script) = OWN_SCRIPTS
            .iter()
            .find(|(name, _)| *name == "scan/delete_slice")
            .unwrap();

        for namespace in [Namespace::default(), shop] {
            let (_, sha1) = script.in_namespace(&namespace);
            let name = OwnScripts::new(&namespace).name(sha1);
            assert_eq!(name, Some("scan/delete_slice"));
        }
    }
}
