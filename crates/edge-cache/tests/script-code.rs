//! The code of scripts, as the build script writes it.

#[path = "../build/lua.rs"]
mod lua;

use std::fs;
use std::path::Path;

use lua::{code, write_scripts};

#[test]
fn comments_and_indentation_are_left_out_and_lines_stay() {
    let source = "-- Says ü.\n-- KEYS: 1\nif a then\n  -- Why.\n  b = 'x  -- y' - -1\nend\n";

    assert_eq!(code(source), "\n\nif a then\n\nb = 'x  -- y' - -1\nend\n");
}

#[test]
fn a_source_without_a_last_new_line_is_kept() {
    assert_eq!(code("return 1"), "return 1");
    assert_eq!(code("return 1\n--"), "return 1\n");
    assert_eq!(code("  "), "");
}

/// Its lines would be taken for code, or for comments.
#[test]
fn no_script_has_a_text_or_comment_of_several_lines() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scripts");

    for room in fs::read_dir(scripts).unwrap().flatten() {
        for file in fs::read_dir(room.path()).unwrap().flatten() {
            let source = fs::read_to_string(file.path()).unwrap();
            assert!(!source.contains("[["), "{}", file.path().display());
        }
    }
}

#[test]
fn all_folders_are_written() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scripts");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripts");

    write_scripts(&scripts, &to).unwrap();

    let written = fs::read_to_string(to.join("load/store.lua")).unwrap();
    let source = fs::read_to_string(scripts.join("load/store.lua")).unwrap();
    assert_eq!(written, code(&source));
}
