//! Mistakes in files, with their places.

use std::fmt;

/// A mistake in a file, and its place: `edge-cache.toml:12:9: problem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file's name.
    pub file: String,
    /// The place; `None` if the file cannot be read.
    pub place: Option<FilePlace>,
    /// The mistake, and what is valid.
    pub problem: String,
}

/// A place in a file. Both numbers begin with 1; a column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePlace {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl FileError {
    /// A file that cannot be read.
    pub fn unreadable(file: &str, problem: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            problem: format!("cannot be read: {problem}"),
        }
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(FilePlace { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl From<FileError> for String {
    /// The problem as text.
    fn from(error: FileError) -> Self {
        error.to_string()
    }
}

impl FilePlace {
    /// The place of a byte of a text.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_begin = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_begin..].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "a\né = 1\n";
        let place = |offset| {
            let FilePlace { line, column } = FilePlace::of(text, offset);
            (line, column)
        };

        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (2, 1));
        assert_eq!(place(text.find('=').unwrap()), (2, 3));
        assert_eq!(place(text.len()), (3, 1));
        assert_eq!(place(1000), (3, 1));
    }

    #[test]
    fn an_error_shows_file_line_and_column() {
        let error = FileError {
            file: "my.toml".to_owned(),
            place: Some(FilePlace { line: 3, column: 7 }),
            problem: "`key` is needed".to_owned(),
        };

        assert_eq!(error.to_string(), "my.toml:3:7: `key` is needed");
        assert_eq!(
            FileError::unreadable("my.toml", "denied").to_string(),
            "my.toml: cannot be read: denied"
        );
    }
}
