//! Public methods, and the examples in their documentation.
//!
//! Files are read line by line, as rustfmt writes them.

/// A public method of a type.
#[derive(Debug, PartialEq)]
pub(crate) struct Method {
    /// The type and the method, such as `Cache::get`.
    pub(crate) name: String,
    /// True if an example of the method or of its type, in the same file, calls it.
    pub(crate) has_example: bool,
}

/// Returns the public methods that a file adds to these types, without those of traits.
pub(crate) fn methods_of(source: &str, types: &[&str]) -> Vec<Method> {
    let mut methods = Vec::new();
    let mut implemented = None;
    let mut documentation = String::new();

    for line in source.lines() {
        if line.starts_with("impl") {
            implemented = implemented_type(line).filter(|name| types.contains(name));
        } else if line == "}" {
            implemented = None;
        }

        let code = line.trim_start();
        if let Some(text) = code.strip_prefix("///") {
            documentation.push_str(text);
            documentation.push('\n');
        } else if !code.starts_with("#[") {
            if let (Some(name), Some(method)) = (implemented, public_method(line)) {
                let calls = [&documentation, &documentation_of(source, name)]
                    .iter()
                    .any(|text| calls(&examples(text), method));
                methods.push(Method {
                    name: format!("{name}::{method}"),
                    has_example: calls,
                });
            }
            documentation.clear();
        }
    }
    methods
}

/// The type of `impl<T> Type<T> {`; `None` where a trait is implemented.
fn implemented_type(line: &str) -> Option<&str> {
    if line.contains(" for ") {
        return None;
    }
    let generic = line.strip_prefix("impl<").map(after_generics);
    let header = generic.or(line.strip_prefix("impl"))?.trim_start();
    header.split(['<', ' ']).next()
}

/// The text after the `>` that closes a list of generics.
fn after_generics(text: &str) -> &str {
    let mut depth = 1;
    for (position, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[position + 1..];
        }
    }
    ""
}

/// The name of a public method that begins on this line.
fn public_method(line: &str) -> Option<&str> {
    let (qualifiers, rest) = line.strip_prefix("    pub ")?.split_once("fn ")?;
    let is_method = qualifiers
        .split_whitespace()
        .all(|word| ["async", "const", "unsafe"].contains(&word));
    is_method.then(|| rest.split(['<', '(']).next())?
}

/// The documentation of a type that the file declares.
fn documentation_of(source: &str, name: &str) -> String {
    let mut documentation = String::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("///") {
            documentation.push_str(text);
            documentation.push('\n');
        } else if line
            .strip_prefix("pub struct ")
            .is_some_and(|rest| rest.split(['<', '(', ' ', ';']).next() == Some(name))
        {
            return documentation;
        } else if !line.starts_with("#[") {
            documentation.clear();
        }
    }
    String::new()
}

/// The compiled examples of a documentation.
fn examples(documentation: &str) -> String {
    let blocks = documentation.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.split_once('\n'))
        .filter(|(language, _)| !["ignore", "text"].contains(language))
        .map(|(_, code)| code)
        .collect()
}

fn calls(code: &str, method: &str) -> bool {
    [".", "::"].iter().any(|before| {
        ["(", "::<"]
            .iter()
            .any(|after| code.contains(&format!("{before}{method}{after}")))
    })
}

/// A made-up file; `documentation` is that of its method.
#[cfg(test)]
fn has_example(documentation: &str) -> Vec<bool> {
    let source = format!(
        "/// Prices.\n///\n/// ```\n/// prices.all();\n/// ```\npub struct Prices<T>(T);\n\n\
         impl<T: Into<u64>> Prices<T> {{\n{documentation}    #[must_use]\n    pub async fn get<K>(key: K) {{}}\n\n    \
         /// Returns all.\n    pub fn all(&self) {{}}\n\n    fn private(&self) {{}}\n}}\n\n\
         impl Other for Prices<u64> {{\n    pub fn b() {{}}\n}}\n\nimpl Sale {{\n    pub fn c() {{}}\n}}\n"
    );
    let methods = methods_of(&source, &["Prices"]);
    let names: Vec<&str> = methods.iter().map(|method| method.name.as_str()).collect();
    assert_eq!(names, ["Prices::get", "Prices::all"]);
    methods.iter().map(|method| method.has_example).collect()
}

#[test]
fn an_example_calls_its_method() {
    let called =
        "    /// Reads.\n    ///\n    /// ```\n    /// prices.get::<u64>(17);\n    /// ```\n";
    assert_eq!(has_example(called), [true, true]);

    for other in [
        "    /// Reads, like `prices.get(17)`.\n",
        "    /// ```\n    /// prices.get_many();\n    /// ```\n",
        "    /// ```text\n    /// prices.get(17)\n    /// ```\n",
        "    /// ```ignore\n    /// prices.get(17)\n    /// ```\n",
    ] {
        assert_eq!(has_example(other), [false, true], "{other}");
    }
}
