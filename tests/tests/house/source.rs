//! Rust source files, and their code without comments, strings and test modules.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// A source file of the repository.
pub(crate) struct SourceFile {
    /// Its path below the folder it was read from, with `/` between the segments.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads all files below a folder that end with `.extension`, sorted by path. A folder that does
/// not exist has none.
pub(crate) fn read_files(folder: &Path, extension: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(folder, "", extension, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Path, prefix: &str, extension: &str, files: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };

    for entry in entries {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_str().unwrap();
        let path = format!("{prefix}{name}");
        if entry.is_dir() {
            collect(&entry, &format!("{path}/"), extension, files);
        } else if entry.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&entry).unwrap();
            files.push(SourceFile { path, text });
        }
    }
}

/// The code of a file, without comments and without inline test modules.
///
/// Spaces replace the parts that are left out, so that line numbers stay the same.
pub(crate) struct Code {
    /// Code and string literals.
    pub(crate) with_strings: String,
    /// Code alone.
    pub(crate) without_strings: String,
}

impl Code {
    pub(crate) fn of(source: &str) -> Self {
        let mut with_strings = blank(source, &[Kind::Comment]);
        let mut without_strings = blank(source, &[Kind::Comment, Kind::Literal]);

        for range in test_modules(&without_strings) {
            let spaces = spaces_for(&without_strings[range.clone()]);
            with_strings.replace_range(range.clone(), &spaces);
            without_strings.replace_range(range, &spaces);
        }
        Self {
            with_strings,
            without_strings,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    /// A string or a character.
    Literal,
}

/// Replaces all parts of the given kinds by spaces.
fn blank(source: &str, kinds: &[Kind]) -> String {
    let mut blanked = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let (kind, length) = first_part(rest);
        let (part, after) = rest.split_at(length);
        if kinds.contains(&kind) {
            blanked.push_str(&spaces_for(part));
        } else {
            blanked.push_str(part);
        }
        rest = after;
    }

    blanked
}

/// As many spaces as a text has bytes; line breaks are kept.
fn spaces_for(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

pub(crate) fn is_identifier_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The kind and the length of the part that `rest` begins with. Code is divided into words and
/// single characters.
fn first_part(rest: &str) -> (Kind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }

    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment_length(rest));
    }

    if first == '"' {
        return (Kind::Literal, quoted_length(rest, '"'));
    }

    if is_character_literal(rest) {
        return (Kind::Literal, quoted_length(rest, '\''));
    }

    if let Some(length) = raw_string_length(rest) {
        return (Kind::Literal, length);
    }

    if is_identifier_character(first) {
        let word = rest.find(|character| !is_identifier_character(character));
        return (Kind::Code, word.unwrap_or(rest.len()));
    }

    (Kind::Code, first.len_utf8())
}

/// The length of a block comment. Such comments nest.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut position = 0;
    while position < rest.len() {
        if rest[position..].starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest[position..].starts_with("*/") {
            depth -= 1;
            position += 2;
        } else {
            position += rest[position..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }

    position
}

/// The length of a literal between two quotes, with escapes inside.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (position, character) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == quote {
            return position + 1;
        }
    }
    rest.len()
}

/// The length of a raw string such as `r#"..."#`; `None` if there is none.
fn raw_string_length(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix))?;
    let hashes: String = rest[prefix.len()..]
        .chars()
        .take_while(|character| *character == '#')
        .collect();
    let start = prefix.len() + hashes.len();
    if !rest[start..].starts_with('"') {
        return None;
    }

    let end = format!("\"{hashes}");
    let content = start + 1;
    let length = rest[content..].find(&end)?;
    Some(content + length + end.len())
}

/// True for `'a'` and `'\n'`, false for the lifetime `'a`.
fn is_character_literal(rest: &str) -> bool {
    let mut characters = rest.chars();
    if characters.next() != Some('\'') {
        return false;
    }
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

/// Finds the attributes `#[cfg(test)]` and `#[cfg(all(test, ...))]`.
fn test_attributes(code: &str) -> Vec<Range<usize>> {
    let beginnings = ["#[cfg(test)", "#[cfg(all(test,"];
    let starts = beginnings
        .into_iter()
        .flat_map(|beginning| code.match_indices(beginning));
    starts
        .filter_map(|(start, _)| Some(start..start + code[start..].find(']')? + 1))
        .collect()
}

/// Finds the inline modules `#[cfg(test)] mod name { ... }`.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    let mut modules = Vec::new();
    for attribute in test_attributes(code) {
        let item = &code[attribute.end..];
        let body = item.find(['{', ';']).unwrap_or(item.len());
        if item.trim_start().starts_with("mod ") && item[body..].starts_with('{') {
            let length = body + matching_brace(&item[body..]);
            modules.push(attribute.start..attribute.end + length);
        }
    }
    modules
}

/// The files of a `src` folder without those of modules that only tests have.
pub(crate) fn without_test_files(mut files: Vec<SourceFile>) -> Vec<SourceFile> {
    let test_modules: Vec<String> = files.iter().flat_map(test_files_of).collect();
    files.retain(|file| {
        let module = file.path.trim_end_matches(".rs");
        !test_modules
            .iter()
            .any(|test| module == test || module.starts_with(&format!("{test}/")))
    });
    files
}

/// The modules that a file declares with `#[cfg(test)] mod name;`, as paths without extension.
fn test_files_of(file: &SourceFile) -> Vec<String> {
    let module = file.path.trim_end_matches(".rs");
    let (parent, name) = module.rsplit_once('/').unwrap_or(("", module));
    let folder = match name {
        "lib" | "main" | "mod" => parent,
        _ => module,
    };

    let code = Code::of(&file.text).without_strings;
    test_attributes(&code)
        .into_iter()
        .filter_map(|attribute| {
            let item = code[attribute.end..].trim_start();
            let (name, _) = item.strip_prefix("mod ")?.split_once(';')?;
            Some(
                format!("{folder}/{name}")
                    .trim_start_matches('/')
                    .to_owned(),
            )
        })
        .collect()
}

/// The position after the brace that closes the first one.
fn matching_brace(code: &str) -> usize {
    let mut depth = 0;
    for (position, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return position + 1;
        }
    }
    code.len()
}

#[test]
fn comments_are_left_out_and_strings_are_kept() {
    let code = Code::of("let a = \"// no comment\"; // POST\n/* a /* nested */ one */ let b = 1;");
    let words: Vec<&str> = code.with_strings.split_whitespace().collect();
    assert_eq!(words.join(" "), "let a = \"// no comment\"; let b = 1;");
}

#[test]
fn every_kind_of_literal_is_recognised() {
    let source = r##"f("a\"b", 'x', '\'', r"c\", r#"d"e"#, b"g", br"h", x.iter::<'a>())"##;
    let code = Code::of(source).without_strings;
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words.join(" "), "f( , , , , , b , , x.iter::<'a>())");
    assert_eq!(code.len(), source.len());
}

#[test]
fn test_modules_are_left_out() {
    let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n";
    let code = Code::of(source).without_strings;
    assert_eq!(
        code.split_whitespace().collect::<Vec<_>>().join(" "),
        "fn a() {} fn c() {}"
    );
    assert_eq!(code.lines().count(), source.lines().count());
}

#[test]
fn files_of_test_modules_are_left_out() {
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };

    let files = without_test_files(vec![
        file(
            "lib.rs",
            "mod a;\n#[cfg(all(test, feature = \"x\"))]\nmod properties;",
        ),
        file("a.rs", "#[cfg(test)]\nmod tests;\nmod b;"),
        file("a/b.rs", ""),
        file("a/tests.rs", ""),
        file("properties.rs", "mod c;"),
        file("properties/c.rs", ""),
    ]);

    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["lib.rs", "a.rs", "a/b.rs"]);
}
