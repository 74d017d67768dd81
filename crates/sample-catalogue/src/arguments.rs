//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use sample_catalogue::{DEFAULT_SEED, Dialect};

/// The text of `--help`.
pub const HELP: &str = "\
Writes the sample catalogue of an auto-parts shop as SQL for SQLite and PostgreSQL.

Usage: sample-catalogue [--seed N] [--dialect WHICH] [--output FILE]

  --seed N         whole number; the same seed gives the same bytes (default 1)
  --dialect WHICH  portable: both databases take it; postgres: PostgreSQL's own types,
                   which read back as those of SQLite do (default portable)
  --output FILE    file to write, replaced when it exists (default: standard output)
  --help           this text

The script can be run again: existing tables and rows are kept.
Exit status: 0 written, 1 not written, 2 wrong arguments.
";

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Make a catalogue.
    Write {
        /// The seed of its random numbers.
        seed: u64,
        /// The databases that can read it.
        dialect: Dialect,
        /// The file to write; `None`: standard output.
        output: Option<PathBuf>,
    },
}

/// A wrong argument.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Unknown.
    #[error("unknown argument {0}")]
    Unknown(String),
    /// An option without its value.
    #[error("{0} needs a value after it")]
    NoValue(&'static str),
    /// Not a seed.
    #[error("--seed must be a whole number from 0 to {max}, not {0}", max = u64::MAX)]
    BadSeed(String),
    /// Not a dialect.
    #[error("--dialect must be portable or postgres, not {0}")]
    BadDialect(String),
}

impl Command {
    /// Reads the arguments that follow the program's name. The last of a repeated option wins.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] for the first wrong argument.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut seed = DEFAULT_SEED;
        let mut dialect = Dialect::default();
        let mut output = None;

        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--seed") => seed = parse_seed(arguments.next())?,
                Some("--dialect") => dialect = parse_dialect(arguments.next())?,
                Some("--output" | "-o") => output = Some(parse_path(arguments.next())?),
                _ => return Err(ArgumentError::Unknown(argument.display().to_string())),
            }
        }

        Ok(Self::Write {
            seed,
            dialect,
            output,
        })
    }
}

fn parse_seed(value: Option<OsString>) -> Result<u64, ArgumentError> {
    let text = value
        .ok_or(ArgumentError::NoValue("--seed"))?
        .display()
        .to_string();
    text.parse().map_err(|_| ArgumentError::BadSeed(text))
}

fn parse_dialect(value: Option<OsString>) -> Result<Dialect, ArgumentError> {
    let name = value.ok_or(ArgumentError::NoValue("--dialect"))?;
    match name.display().to_string().as_str() {
        "portable" => Ok(Dialect::Portable),
        "postgres" => Ok(Dialect::Postgres),
        other => Err(ArgumentError::BadDialect(other.to_owned())),
    }
}

fn parse_path(value: Option<OsString>) -> Result<PathBuf, ArgumentError> {
    let path = value.filter(|path| !path.is_empty());
    Ok(path.ok_or(ArgumentError::NoValue("--output"))?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, ArgumentError> {
        Command::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn no_arguments_mean_the_default_seed_on_standard_output() {
        assert_eq!(
            parse(&[]),
            Ok(Command::Write {
                seed: DEFAULT_SEED,
                dialect: Dialect::Portable,
                output: None
            })
        );
        assert!(HELP.contains(&format!("(default {DEFAULT_SEED})")));
    }

    #[test]
    fn all_options_are_read() {
        let expected = Command::Write {
            seed: 7,
            dialect: Dialect::Postgres,
            output: Some("a.sql".into()),
        };
        assert_eq!(
            parse(&["--seed", "7", "--dialect", "postgres", "--output", "a.sql"]),
            Ok(expected)
        );
    }

    #[test]
    fn help_wins_over_what_follows_it() {
        assert_eq!(parse(&["--help", "--sed"]), Ok(Command::Help));
    }

    #[test]
    fn a_wrong_argument_is_named_in_the_error() {
        for (arguments, expected) in [
            (["--sed", "7"].as_slice(), "unknown argument --sed"),
            (&["file.sql"], "unknown argument file.sql"),
            (&["--seed"], "--seed needs a value after it"),
            (&["--output"], "--output needs a value after it"),
            (&["--output", ""], "--output needs a value after it"),
            (&["--dialect"], "--dialect needs a value after it"),
            (
                &["--dialect", "mysql"],
                "--dialect must be portable or postgres, not mysql",
            ),
            (
                &["--seed", "-1"],
                "--seed must be a whole number from 0 to 18446744073709551615, not -1",
            ),
            (
                &["--seed", "ten"],
                "--seed must be a whole number from 0 to 18446744073709551615, not ten",
            ),
        ] {
            assert_eq!(parse(arguments).unwrap_err().to_string(), expected);
        }
    }
}
