//! Rules for the repository's code: no circles between modules, a library that is independent of
//! hosts, examples of public methods, described files, short files, and documents that name existing
//! tests.
//!
//! Each rule has a list of exceptions. The lists may only become shorter: an exception that is no
//! longer needed fails as well.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod circles;
mod examples;
mod imports;
mod independence;
mod named_tests;
mod public_api;
mod source;

use std::fs;

use circles::Modules;
use end_to_end::repository;
use source::{SourceFile, read_files, without_test_files};

/// Folders whose members are crates.
const CRATE_FOLDERS: [&str; 4] = ["crates", "components", "examples", "providers"];
/// The crates that do not know Spin, HTTP or an asynchronous runtime.
const INDEPENDENT_CRATES: [&str; 2] = ["crates/edge-cache", "crates/edge-cache-admin"];
/// The optional dependency and the module of the ready transport for services on Tokio.
const TOKIO: [&str; 2] = ["tokio", "crates/edge-cache/src/tokio"];
/// The types of the library whose public methods have examples.
const TYPES_WITH_EXAMPLES: [&str; 10] = [
    "Cache",
    "KeyName",
    "Loaded",
    "Memory",
    "Pattern",
    "Previous",
    "SetItem",
    "TokioCache",
    "TokioTransport",
    "TracingObserver",
];
/// Longest file, in lines.
const MAX_LINES: usize = 400;

/// Circles that are not removed yet, as `crate folder: modules`.
const CIRCLES: &[&str] = &[];

/// Text of HTTP that the library still has, as `file: text`.
const HTTP_TEXT: &[&str] = &[];

/// Public methods that have no example yet, as `Type::method`.
const METHODS_WITHOUT_EXAMPLE: &[&str] = &[];

/// Files that do not begin with a description yet.
const UNDESCRIBED_FILES: &[&str] = &[];

/// Files that are not split by subject yet.
const LONG_FILES: &[&str] = &[];

/// All crates of the workspace but the end-to-end tests, as folders.
fn crates() -> Vec<String> {
    let mut crates = Vec::new();
    for folder in CRATE_FOLDERS {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let entry = entry.unwrap();
            // Some examples are not in Rust.
            if entry.path().join("Cargo.toml").is_file() {
                let name = entry.file_name().into_string().unwrap();
                crates.push(format!("{folder}/{name}"));
            }
        }
    }
    crates.sort();
    crates
}

/// All files of a folder with this extension, with their paths below the repository.
fn files_in(folder: &str, extension: &str) -> Vec<SourceFile> {
    let mut files = read_files(&repository().join(folder), extension);
    for file in &mut files {
        file.path = format!("{folder}/{}", file.path);
    }
    files
}

/// The source files of the independent crates, without those of tests.
fn independent_sources() -> Vec<SourceFile> {
    INDEPENDENT_CRATES
        .iter()
        .flat_map(|folder| without_test_files(files_in(&format!("{folder}/src"), "rs")))
        .filter(|file| !file.path.starts_with(TOKIO[1]))
        .collect()
}

/// Every source file of the repository: crates, components, examples and tests.
fn all_sources(extension: &str) -> Vec<SourceFile> {
    let tests = ["tests/src".to_owned(), "tests/tests".to_owned()];
    let folders = crates().into_iter().chain(tests);
    let mut files: Vec<SourceFile> = folders
        .flat_map(|folder| files_in(&folder, extension))
        .collect();
    // Builds of a crate that is a workspace of its own.
    files.retain(|file| !file.path.contains("/target/"));
    files
}

/// Compares what breaks a rule with the exceptions to the rule. Returns an error for each
/// difference.
fn differences(found: &[String], exceptions: &[&str]) -> Vec<String> {
    let new = found
        .iter()
        .filter(|found| !exceptions.contains(&found.as_str()))
        .map(|found| format!("not allowed: {found}"));
    let outdated = exceptions
        .iter()
        .filter(|exception| !found.iter().any(|found| found == *exception))
        .map(|exception| format!("no longer needed as an exception: {exception}"));
    new.chain(outdated).collect()
}

/// True if a file begins with a description of its module.
fn is_described(text: &str) -> bool {
    text.starts_with("//!")
}

#[test]
fn no_modules_import_each_other() {
    let mut found = Vec::new();
    for folder in crates() {
        let files = read_files(&repository().join(&folder).join("src"), "rs");
        for circle in Modules::of(&without_test_files(files)).circles() {
            found.push(format!("{folder}: {}", circle.join(", ")));
        }
    }
    assert_eq!(differences(&found, CIRCLES), [""; 0]);
}

#[test]
fn the_library_depends_on_neither_spin_nor_http_nor_a_runtime() {
    for folder in INDEPENDENT_CRATES {
        let manifest = repository().join(folder).join("Cargo.toml");
        let found = independence::forbidden_dependencies(&fs::read_to_string(manifest).unwrap());
        let allowed: &[&str] = if folder == "crates/edge-cache" {
            &TOKIO[..1]
        } else {
            &[]
        };
        assert_eq!(found, allowed, "dependencies of {folder}");
    }
}

#[test]
fn the_library_imports_neither_spin_nor_http_nor_a_runtime() {
    for file in independent_sources() {
        let found = independence::forbidden_imports(&file.text);
        assert_eq!(found, [""; 0], "imports of {}", file.path);
    }
}

#[test]
fn the_library_contains_no_text_of_http_or_of_hosts() {
    let mut found = Vec::new();
    for file in independent_sources() {
        for text in independence::forbidden_text(&file.text) {
            found.push(format!("{}: {text}", file.path));
        }
    }
    assert_eq!(differences(&found, HTTP_TEXT), [""; 0]);
}

#[test]
fn every_public_method_of_the_library_has_an_example() {
    let sources = without_test_files(files_in("crates/edge-cache/src", "rs"));
    let methods: Vec<examples::Method> = sources
        .iter()
        .flat_map(|file| examples::methods_of(&file.text, &TYPES_WITH_EXAMPLES))
        .collect();
    for name in TYPES_WITH_EXAMPLES {
        let is_of_type = |method: &examples::Method| method.name.starts_with(&format!("{name}::"));
        assert!(methods.iter().any(is_of_type), "no methods of {name} found");
    }

    let missing: Vec<String> = methods
        .into_iter()
        .filter(|method| !method.has_example)
        .map(|method| method.name)
        .collect();
    assert_eq!(differences(&missing, METHODS_WITHOUT_EXAMPLE), [""; 0]);
}

#[test]
fn every_file_begins_with_a_description() {
    let undescribed: Vec<String> = all_sources("rs")
        .into_iter()
        .filter(|file| !is_described(&file.text))
        .map(|file| file.path)
        .collect();
    assert_eq!(differences(&undescribed, UNDESCRIBED_FILES), [""; 0]);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<String> = all_sources("rs")
        .into_iter()
        .chain(all_sources("lua"))
        .filter(|file| file.text.lines().count() > MAX_LINES)
        .map(|file| file.path)
        .collect();
    assert_eq!(differences(&long, LONG_FILES), [""; 0]);
}

#[test]
fn every_test_named_in_a_document_exists() {
    let sources: String = all_sources("rs")
        .into_iter()
        .map(|file| file.text)
        .collect();
    let mut missing = Vec::new();
    let mut names = 0;
    for document in files_in("docs", "md") {
        for name in named_tests::named_tests(&document.text) {
            names += 1;
            if !sources.contains(&named_tests::declaration(name)) {
                missing.push(format!("{}: {name}", document.path));
            }
        }
    }
    assert_eq!(missing, [""; 0], "tests that do not exist");
    assert!(names >= 20, "only {names} names of tests were found");
}

#[test]
fn the_sources_are_found() {
    let paths: Vec<String> = all_sources("rs")
        .into_iter()
        .map(|file| file.path)
        .collect();
    for path in [
        "crates/edge-cache/src/lib.rs",
        "components/clear/src/lib.rs",
        "examples/catalog/src/lib.rs",
        "tests/tests/house/main.rs",
    ] {
        assert!(paths.iter().any(|found| found == path), "{path}");
    }
}

#[test]
fn a_new_violation_and_an_outdated_exception_are_both_reported() {
    let found = ["a".to_owned(), "b".to_owned()];
    assert_eq!(
        differences(&found, &["b", "c"]),
        ["not allowed: a", "no longer needed as an exception: c"]
    );
    assert!(differences(&found, &["a", "b"]).is_empty());
}

#[test]
fn a_description_is_at_the_beginning_of_a_file() {
    assert!(is_described("//! Keys.\n\nuse std::fmt;\n"));
    assert!(!is_described("use std::fmt;\n//! Keys.\n"));
    assert!(!is_described("// Keys.\n"));
}
