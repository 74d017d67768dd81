//! `sample-catalogue`: writes the sample catalogue to a file or to standard output.

mod arguments;

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use arguments::{Command, HELP};
use sample_catalogue::Dialect;

fn main() -> ExitCode {
    let result = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => print(HELP),
        Ok(Command::Write {
            seed,
            dialect,
            output,
        }) => write(seed, dialect, output.as_deref()),
        Err(error) => {
            eprintln!("sample-catalogue: {error}\nTry sample-catalogue --help.");
            return ExitCode::from(2);
        }
    };

    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sample-catalogue: {message}");
            ExitCode::FAILURE
        }
    }
}

fn write(seed: u64, dialect: Dialect, output: Option<&Path>) -> Result<(), String> {
    let sql = sample_catalogue::catalogue(seed, dialect).map_err(|error| error.to_string())?;
    let Some(path) = output else {
        return print(&sql);
    };

    std::fs::write(path, &sql)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    eprintln!(
        "sample-catalogue: {} bytes written to {}",
        sql.len(),
        path.display()
    );
    Ok(())
}

/// Prints the text. A reader that stops early, such as `head`, is not an error.
fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
