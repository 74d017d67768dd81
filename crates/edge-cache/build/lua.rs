//! The code of Lua files, without their comments and indentation: they would be half of what every
//! component carries, sends and hashes. Lines stay where they are, so Redis' errors name those of the
//! file.

use std::path::Path;
use std::{fs, io};

/// Writes the code of all files below `from` to files of the same names below `to`.
pub fn write_scripts(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;

    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            write_scripts(&source, &target)?;
        } else {
            fs::write(target, code(&fs::read_to_string(source)?))?;
        }
    }
    Ok(())
}

/// Removes comments and indentation from a file. No file may have a text or a comment of several lines.
pub fn code(source: &str) -> String {
    let lines = source.split_inclusive('\n').map(|line| {
        let line = line.trim_start_matches(' ');
        if !line.starts_with("--") {
            line
        } else if line.ends_with('\n') {
            "\n"
        } else {
            ""
        }
    });
    lines.collect()
}
