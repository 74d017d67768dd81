//! The imports of a file: its `use` declarations, and the paths in its code.

use crate::source::{Code, is_identifier_character};

/// A path with `::` between its segments, such as `crate`, `redis`, `Client`.
pub(crate) type ModulePath = Vec<String>;

/// A name that a `use` declaration brings into a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Use {
    /// The name under which the file knows it; `*` for all names of a module.
    pub(crate) name: String,
    pub(crate) path: ModulePath,
    /// True for `pub use` and `pub(crate) use`.
    pub(crate) is_public: bool,
    /// The inline modules around the declaration.
    pub(crate) inline_modules: ModulePath,
}

/// A path in the code, outside of `use` declarations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UsedPath {
    pub(crate) path: ModulePath,
    /// The inline modules around it.
    pub(crate) inline_modules: ModulePath,
}

/// Everything that a file refers to.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    pub(crate) uses: Vec<Use>,
    /// Paths of one segment are here, too.
    pub(crate) paths: Vec<UsedPath>,
}

impl Imports {
    pub(crate) fn of(source: &str) -> Self {
        let code = Code::of(source).without_strings;
        let mut scanner = Scanner {
            tokens: tokens(&code),
            position: 0,
            depth: 0,
            inline_modules: Vec::new(),
            imports: Self::default(),
        };
        scanner.run();
        scanner.imports
    }
}

/// Identifiers, `::`, and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("::") {
            2
        } else if is_identifier_character(first) {
            rest.find(|character| !is_identifier_character(character))
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }

    tokens
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Goes through the tokens of a file.
struct Scanner<'a> {
    tokens: Vec<&'a str>,
    position: usize,
    /// Open braces.
    depth: usize,
    /// The inline modules around the position, each with the depth at which it ends.
    inline_modules: Vec<(&'a str, usize)>,
    imports: Imports,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        while self.position < self.tokens.len() {
            match self.token(0) {
                "use" if is_identifier(self.token(1)) || self.token(1) == "{" => {
                    self.read_use();
                }
                "mod" if self.token(2) == "{" => {
                    self.inline_modules.push((self.token(1), self.depth));
                    self.position += 2;
                }
                "{" => {
                    self.depth += 1;
                    self.position += 1;
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    let depth = self.depth;
                    self.inline_modules.retain(|(_, ends_at)| *ends_at < depth);
                    self.position += 1;
                }
                token if is_identifier(token) => self.read_path(),
                _ => self.position += 1,
            }
        }
    }

    /// The token `ahead` of the position; empty after the last one.
    fn token(&self, ahead: usize) -> &'a str {
        self.tokens
            .get(self.position + ahead)
            .copied()
            .unwrap_or_default()
    }

    fn previous(&self) -> &'a str {
        match self.position {
            0 => "",
            position => self.tokens[position - 1],
        }
    }

    fn inline_modules(&self) -> ModulePath {
        self.inline_modules
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect()
    }

    /// Reads `use a::{b, c as d};`.
    fn read_use(&mut self) {
        let is_public = matches!(self.previous(), "pub" | ")");
        self.position += 1;
        self.read_use_tree(&[], is_public);
    }

    /// Reads one path of a `use` declaration, or a list of paths in braces.
    fn read_use_tree(&mut self, prefix: &[String], is_public: bool) {
        let mut path = prefix.to_vec();
        loop {
            match self.token(0) {
                "{" => return self.read_use_list(&path, is_public),
                "*" => {
                    self.position += 1;
                    return self.add_use("*", path, is_public);
                }
                segment => {
                    path.push(segment.to_owned());
                    self.position += 1;
                }
            }
            if self.token(0) != "::" {
                break;
            }
            self.position += 1;
        }

        // `a::{self}` is `a` itself.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.token(0) == "as" {
            name = self.token(1).to_owned();
            self.position += 2;
        }
        self.add_use(&name, path, is_public);
    }

    fn read_use_list(&mut self, prefix: &[String], is_public: bool) {
        self.position += 1;
        while !matches!(self.token(0), "}" | "") {
            self.read_use_tree(prefix, is_public);
            if self.token(0) == "," {
                self.position += 1;
            }
        }
        self.position += 1;
    }

    fn add_use(&mut self, name: &str, path: ModulePath, is_public: bool) {
        self.imports.uses.push(Use {
            name: name.to_owned(),
            path,
            is_public,
            inline_modules: self.inline_modules(),
        });
    }

    /// Reads `a::b::c`.
    fn read_path(&mut self) {
        // A macro's `$crate`, a method, and the end of a path with generics are not paths.
        let is_path = !matches!(self.previous(), "$" | "." | "::");
        let mut path = vec![self.token(0).to_owned()];
        self.position += 1;
        while self.token(0) == "::" && is_identifier(self.token(1)) {
            path.push(self.token(1).to_owned());
            self.position += 2;
        }

        // `crate` in `pub(crate)`, and `self` as a value.
        let is_keyword = |segment: &String| ["crate", "self", "super"].contains(&segment.as_str());
        if is_path && !path.iter().all(is_keyword) {
            let inline_modules = self.inline_modules();
            self.imports.paths.push(UsedPath {
                path,
                inline_modules,
            });
        }
    }
}

#[cfg(test)]
fn used(source: &str) -> Vec<String> {
    let uses = Imports::of(source).uses;
    uses.iter()
        .map(|used| format!("{} as {}", used.path.join("::"), used.name))
        .collect()
}

#[test]
fn a_use_declaration_may_be_a_tree() {
    assert_eq!(
        used("use crate::a::{self, b as c, d::{e, f}, g::*};\nuse std::fmt;"),
        [
            "crate::a as a",
            "crate::a::b as c",
            "crate::a::d::e as e",
            "crate::a::d::f as f",
            "crate::a::g as *",
            "std::fmt as fmt",
        ]
    );
}

#[test]
fn a_captured_lifetime_is_not_a_use_declaration() {
    assert!(used("fn f() -> impl Sized + use<'_> { 1 }").is_empty());
}

#[test]
fn visibility_is_that_of_the_declaration() {
    let uses = Imports::of("pub use a::b;\npub(crate) use a::c;\nuse a::d;").uses;
    let public: Vec<bool> = uses.iter().map(|used| used.is_public).collect();
    assert_eq!(public, [true, true, false]);
}

#[test]
fn paths_in_code_are_found() {
    let imports =
        Imports::of("pub(crate) fn f() { crate::a::b(); x.c::<super::D>(); $crate::e(); }");
    let paths: Vec<String> = imports
        .paths
        .iter()
        .map(|used| used.path.join("::"))
        .filter(|path| path.contains("::"))
        .collect();
    assert_eq!(paths, ["crate::a::b", "super::D"]);
}

#[test]
fn a_path_knows_the_inline_modules_around_it() {
    let imports = Imports::of("mod a { mod b { use super::c; } use super::d; }\nuse e::f;");
    let around: Vec<String> = imports
        .uses
        .iter()
        .map(|used| used.inline_modules.join("::"))
        .collect();
    assert_eq!(around, ["a::b", "a", ""]);
}
