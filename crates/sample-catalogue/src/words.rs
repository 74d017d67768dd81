//! The word lists: text files beside the sources, one entry a line, `#` for comments, ` | ` between
//! fields.

use crate::error::Error;

/// A text file of `words/`, included in the program.
#[derive(Clone, Copy)]
pub struct WordList {
    /// File name, for messages.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// One entry of a list.
#[derive(Clone, Copy)]
pub struct Line {
    list: &'static str,
    number: usize,
    /// Indentation, in steps of two spaces.
    pub depth: usize,
    /// The line without its indentation.
    pub text: &'static str,
}

impl WordList {
    /// The entries, in order, without comments and empty lines.
    pub fn lines(self) -> impl Iterator<Item = Line> {
        let entries = self
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));

        entries.map(move |(index, line)| {
            let text = line.trim_start();
            Line {
                list: self.name,
                number: index + 1,
                depth: (line.len() - text.len()) / 2,
                text,
            }
        })
    }
}

impl Line {
    /// The `N` fields of this line; an error says what was `expected`.
    pub fn fields<const N: usize>(
        &self,
        expected: &'static str,
    ) -> Result<[&'static str; N], Error> {
        let fields: Vec<_> = self.text.split(" | ").map(str::trim).collect();
        fields.try_into().map_err(|_| self.bad(expected))
    }

    /// The error that names this line.
    pub fn bad(&self, expected: &'static str) -> Error {
        Error::BadLine {
            list: self.list,
            line: self.number,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: WordList = WordList {
        name: "list.txt",
        text: "# comment\n\na | b\n  c\n",
    };

    #[test]
    fn comments_and_empty_lines_are_skipped_and_indentation_is_counted() {
        let lines: Vec<_> = LIST
            .lines()
            .map(|line| (line.number, line.depth, line.text))
            .collect();
        assert_eq!(lines, [(3, 0, "a | b"), (4, 1, "c")]);
    }

    #[test]
    fn a_line_with_the_wrong_number_of_fields_is_named_in_the_error() {
        let line = LIST.lines().next().unwrap();
        assert_eq!(line.fields("two"), Ok(["a", "b"]));
        let error = line.fields::<3>("three fields").unwrap_err();
        assert_eq!(error.to_string(), "list.txt, line 3: expected three fields");
    }
}
