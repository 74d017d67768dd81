//! Circles: modules of a crate that import each other, directly or through others.
//!
//! An import leads to the module that defines the imported item, also through re-exports. A
//! parent's `mod` declarations and re-exports of its descendants are not imports, because they only
//! make names visible.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Imports, ModulePath, Use};
use crate::source::SourceFile;

/// How many names are followed from one import: more than any real chain of re-exports has.
const MAX_NAMES_FOLLOWED: usize = 10;

/// The modules of a crate, each with what its file refers to. The root has an empty path.
pub(crate) struct Modules(BTreeMap<ModulePath, Imports>);

impl Modules {
    /// The modules in the files of a `src` folder.
    pub(crate) fn of(files: &[SourceFile]) -> Self {
        let module = |file: &SourceFile| (module_of(&file.path), Imports::of(&file.text));
        Self(files.iter().map(module).collect())
    }

    /// Every circle, as the names of its modules.
    pub(crate) fn circles(&self) -> BTreeSet<Vec<String>> {
        let imported: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = self
            .0
            .keys()
            .map(|module| (module, self.imported_by(module)))
            .collect();
        let reached: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> = self
            .0
            .keys()
            .map(|module| (module, reached_from(module, &imported)))
            .collect();

        let in_circle_with = |module: &ModulePath| -> Vec<String> {
            let others = reached[module].iter();
            others
                .filter(|other| reached[**other].contains(module))
                .map(|other| name_of(other))
                .collect()
        };
        self.0
            .keys()
            .map(in_circle_with)
            .filter(|circle| !circle.is_empty())
            .collect()
    }

    /// The other modules that a module imports from.
    fn imported_by(&self, module: &ModulePath) -> BTreeSet<ModulePath> {
        let imports = &self.0[module];
        let mut imported = BTreeSet::new();
        for used in &imports.uses {
            let target = self.resolve(&inside(module, &used.inline_modules), &used.path);
            let is_reexport = |target: &ModulePath| used.is_public && target.starts_with(module);
            imported.extend(target.filter(|target| !is_reexport(target)));
        }
        for used in &imports.paths {
            let target = self.resolve(&inside(module, &used.inline_modules), &used.path);
            imported.extend(target);
        }

        imported.remove(module);
        imported
    }

    /// The module that defines the item at a path; `None` for an item of another crate.
    fn resolve(&self, from: &ModulePath, path: &[String]) -> Option<ModulePath> {
        self.follow(from, path, MAX_NAMES_FOLLOWED)
    }

    fn follow(&self, from: &ModulePath, path: &[String], names_left: usize) -> Option<ModulePath> {
        let (mut module, rest) = self.start(from, path)?;
        for (position, segment) in rest.iter().enumerate() {
            let below = child(&module, segment);
            if self.0.contains_key(&below) {
                module = below;
                continue;
            }

            if names_left > 0
                && let Some(used) = self.use_of(&module, segment)
            {
                let origin = inside(&module, &used.inline_modules);
                let mut target = used.path.clone();
                target.extend_from_slice(&rest[position + 1..]);
                // A name from another crate belongs to the module that re-exports it.
                let is_own_name = module == *from && position == 0;
                let found = self.follow(&origin, &target, names_left - 1);
                if found.is_some() || is_own_name {
                    return found;
                }
            }
            break;
        }

        // The rest names an item, or an inline module, of the file found so far.
        while !self.0.contains_key(&module) {
            module.pop()?;
        }
        Some(module)
    }

    /// The module at which a path starts, and the rest of the path.
    fn start<'p>(
        &self,
        from: &ModulePath,
        path: &'p [String],
    ) -> Option<(ModulePath, &'p [String])> {
        let mut module = from.clone();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => module.clear(),
                "self" => {}
                "super" => {
                    module.pop()?;
                }
                _ => break,
            }
            rest = after;
        }

        let is_relative = rest.len() == path.len();
        if !is_relative {
            return Some((module, rest));
        }
        // A single word that is also the name of a child is a variable, not a path.
        let leads_to_child = path.len() > 1 && self.0.contains_key(&child(from, &path[0]));
        let is_known = leads_to_child || self.use_of(from, &path[0]).is_some();
        is_known.then_some((module, rest))
    }

    /// The `use` declaration that brings a name into a module.
    fn use_of(&self, module: &ModulePath, name: &str) -> Option<&Use> {
        let imports = self.0.get(module)?;
        imports.uses.iter().find(|used| used.name == name)
    }
}

/// The module of a file below `src`.
fn module_of(path: &str) -> ModulePath {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    match path {
        "lib" | "main" => Vec::new(),
        _ => path.split('/').map(str::to_owned).collect(),
    }
}

fn name_of(module: &ModulePath) -> String {
    if module.is_empty() {
        return "crate".to_owned();
    }
    module.join("::")
}

fn child(module: &ModulePath, name: &str) -> ModulePath {
    inside(module, &[name.to_owned()])
}

fn inside(module: &ModulePath, below: &[String]) -> ModulePath {
    module.iter().chain(below).cloned().collect()
}

/// The modules that can be reached from a module in at least one step.
fn reached_from<'g>(
    module: &ModulePath,
    imported: &'g BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'g ModulePath> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&ModulePath> = imported[module].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(&imported[module]);
        }
    }
    reached
}

/// The circles between made-up files, one circle a line.
#[cfg(test)]
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let circles = Modules::of(&files).circles();
    circles.iter().map(|circle| circle.join(" ")).collect()
}

#[test]
fn two_modules_that_import_each_other_are_a_circle() {
    let circles = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "fn f() { super::a::g() }"),
    ]);
    assert_eq!(circles, ["a b"]);
}

#[test]
fn a_circle_may_lead_through_other_modules() {
    let circles = circles_of(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use super::c::{self, C};"),
        ("c/mod.rs", "use crate::a;"),
        ("d.rs", "use crate::a::A;"),
    ]);
    assert_eq!(circles, ["a b c"]);
}

#[test]
fn declaring_and_reexporting_a_child_is_not_an_import() {
    let circles = circles_of(&[
        ("lib.rs", "pub mod a;"),
        ("a.rs", "mod b; pub use b::B; pub struct A;"),
        ("a/b.rs", "use super::A; pub struct B(A);"),
    ]);
    assert!(circles.is_empty(), "{circles:?}");
}

#[test]
fn a_parent_that_uses_its_child_must_not_be_imported_by_it() {
    let child = ("a/b.rs", "use super::A; pub struct B(A);");
    for parent in [
        "mod b; use b::B; pub struct A;",
        "mod b; pub use b::B; pub struct A; impl A { fn b() -> B {} }",
        "mod b; pub struct A; fn f() { b::g() }",
        "mod b; pub struct A; fn f() { self::b::g() }",
    ] {
        let circles = circles_of(&[("lib.rs", "mod a;"), ("a.rs", parent), child]);
        assert_eq!(circles, ["a a::b"], "{parent}");
    }
}

#[test]
fn an_import_leads_through_reexports_to_the_definition() {
    let circles = circles_of(&[
        (
            "lib.rs",
            "mod a; mod b; pub use a::deep::Deep as D; pub use std::fmt;",
        ),
        ("a.rs", "pub(crate) mod deep;"),
        ("a/deep.rs", "use crate::b::B; pub struct Deep;"),
        ("b.rs", "use crate::{D, fmt}; pub struct B;"),
    ]);
    assert_eq!(circles, ["a::deep b"]);
}

#[test]
fn imports_of_tests_are_not_counted() {
    let circles = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; // use crate::c::C;"),
        ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
    ]);
    assert!(circles.is_empty(), "{circles:?}");
}
