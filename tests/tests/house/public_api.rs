//! The public interface of `edge-cache`, as rustdoc shows it, is the one in `crates/edge-cache/api.txt`.
//!
//! After a change on purpose, `UPDATE_API=1 cargo test -p end-to-end --test house public_api` writes the
//! file anew. Its difference belongs into the changelog.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use end_to_end::repository;

const GOLDEN: &str = "crates/edge-cache/api.txt";
/// Beginnings of the names of pages that describe an item.
const ITEM_PAGES: [&str; 8] = [
    "constant.",
    "enum.",
    "fn.",
    "macro.",
    "static.",
    "struct.",
    "trait.",
    "type.",
];
/// Where the part of a page ends that the author of an item has written.
const ENDS_OF_OWN_PART: [&str; 4] = [
    "id=\"synthetic-implementations\"",
    "id=\"blanket-implementations\"",
    "id=\"deref-methods",
    "id=\"implementors\"",
];

/// Where the traits begin that an item implements. Their methods are those of the traits.
const TRAITS: &str = "id=\"trait-implementations\"";

/// Builds the pages of the crate with all its features.
fn build_pages() -> PathBuf {
    let options = [
        "doc",
        "--locked",
        "--profile",
        "quick",
        "--no-deps",
        "--all-features",
        "-p",
        "edge-cache",
    ];
    let built = Command::new("cargo")
        .args(options)
        .current_dir(repository())
        .output()
        .unwrap();

    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{errors}");
    repository().join("target/doc/edge_cache")
}

fn pages_below(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(pages_below(&path));
        } else if is_item_page(&path) {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

fn is_item_page(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let is_html = path
        .extension()
        .is_some_and(|extension| extension == "html");
    is_html && ITEM_PAGES.iter().any(|page| name.starts_with(page))
}

/// The text of HTML: without tags, with each run of white space as one space.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for character in html.chars() {
        match character {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(character),
            _ => {}
        }
    }

    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts of the elements that begin with this tag.
fn elements(page: &str, beginning: &str, end: &str) -> Vec<String> {
    let parts = page.split(beginning).skip(1);
    parts
        .filter_map(|part| part.split_once(end))
        .map(|(element, _)| text_of(element))
        .collect()
}

/// The declaration of a page's item, those of its methods, and the traits that it implements.
fn declarations(page: &str) -> BTreeSet<String> {
    let ends = ENDS_OF_OWN_PART.iter().filter_map(|end| page.find(end));
    let own = &page[..ends.min().unwrap_or(page.len())];
    let (item, traits) = own.split_once(TRAITS).unwrap_or((own, ""));

    let mut declarations = BTreeSet::new();
    declarations.extend(elements(
        item,
        "<pre class=\"rust item-decl\"><code>",
        "</code>",
    ));
    declarations.extend(elements(item, "<h4 class=\"code-header\">", "</h4>"));
    declarations.extend(elements(traits, "<h3 class=\"code-header\">", "</h3>"));
    declarations
}

fn public_api() -> String {
    let root = build_pages();
    let mut lines = String::new();
    for page in pages_below(&root) {
        let declarations = declarations(&fs::read_to_string(&page).unwrap());
        if declarations.is_empty() {
            // It leads to the page of an item that is exported under another name.
            continue;
        }
        let name = page.strip_prefix(&root).unwrap().with_extension("");
        lines.push_str(&format!("{}\n", name.display()));
        for declaration in declarations {
            lines.push_str(&format!("    {declaration}\n"));
        }
    }
    lines
}

#[test]
fn the_public_api_is_the_documented_one() {
    let found = public_api();
    let golden = repository().join(GOLDEN);
    if env::var_os("UPDATE_API").is_some() {
        fs::write(&golden, &found).unwrap();
    }

    let expected = fs::read_to_string(golden).unwrap();
    let known: BTreeSet<&str> = expected.lines().collect();
    let now: BTreeSet<&str> = found.lines().collect();

    let new: Vec<_> = now.difference(&known).collect();
    assert!(new.is_empty(), "not in {GOLDEN}: {new:#?}");
    let gone: Vec<_> = known.difference(&now).collect();
    assert!(gone.is_empty(), "only in {GOLDEN}: {gone:#?}");
}

#[test]
fn declarations_are_read_from_a_page() {
    let page = "<pre class=\"rust item-decl\"><code>pub struct <b>A</b>&lt;T&gt;</code></pre>\
                <h4 class=\"code-header\">pub fn\n  a(&amp;self)</h4>\
                <h2 id=\"blanket-implementations\"></h2><h3 class=\"code-header\">impl X</h3>";

    let declarations: Vec<String> = declarations(page).into_iter().collect();

    assert_eq!(declarations, ["pub fn a(&self)", "pub struct A<T>"]);
}
