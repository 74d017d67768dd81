//! The text of the script: reproducible, small, and portable.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::process::Command;

use sample_catalogue::{DEFAULT_SEED, Dialect, catalogue, catalogue_sql};

/// FNV-1a of the default script. Update it only when the catalogue is changed on purpose.
const FINGERPRINT: u64 = 11_362_229_007_322_586_797;

fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_default_script_is_the_same_on_every_machine() {
    let sql = catalogue_sql(DEFAULT_SEED).unwrap();
    assert_eq!(sql, catalogue_sql(DEFAULT_SEED).unwrap());
    assert_eq!(
        fingerprint(&sql),
        FINGERPRINT,
        "the catalogue changed; if this is intended, update the fingerprint"
    );
}

#[test]
fn each_seed_makes_a_different_catalogue() {
    let scripts = [0, 2, 3, u64::MAX].map(|seed| catalogue_sql(seed).unwrap());
    for (index, script) in scripts.iter().enumerate() {
        assert!(!scripts[..index].contains(script));
    }
}

#[test]
fn the_rows_are_the_same_in_every_dialect() {
    let rows = |sql: String| sql.split_once("\nINSERT").unwrap().1.to_owned();
    assert!(rows(catalogue(7, Dialect::Postgres).unwrap()) == rows(catalogue_sql(7).unwrap()));
    let printed = run(&["--seed", "7", "--dialect", "postgres"]);
    assert!(printed.stdout == catalogue(7, Dialect::Postgres).unwrap().as_bytes());
}

#[test]
fn the_script_is_small_and_plain_ascii() {
    let sql = catalogue_sql(DEFAULT_SEED).unwrap();
    assert!(sql.len() < 1_500_000, "{} bytes", sql.len());
    assert!(
        sql.bytes()
            .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
    );
    assert!(
        !sql.contains('\\'),
        "databases differ in the meaning of a backslash"
    );
}

#[test]
fn every_statement_is_portable() {
    let sql = catalogue_sql(DEFAULT_SEED).unwrap();
    let known = [
        "BEGIN;",
        "COMMIT;",
        "CREATE TABLE IF NOT EXISTS ",
        "CREATE INDEX IF NOT EXISTS ",
        "INSERT INTO ",
    ];

    for statement in sql.split_inclusive(";\n").map(without_comments) {
        assert!(
            known.iter().any(|start| statement.starts_with(start)),
            "{statement:.80}"
        );
        assert!(
            !statement.starts_with("INSERT") || statement.ends_with("\nON CONFLICT DO NOTHING;\n")
        );
    }

    let vendor = [
        "AUTOINCREMENT",
        "SERIAL",
        "BOOLEAN",
        "PRAGMA",
        "WITHOUT ROWID",
        "OR IGNORE",
        "TIMESTAMP",
    ];
    assert!(vendor.iter().all(|word| !sql.contains(word)));
}

fn without_comments(statement: &str) -> String {
    let lines = statement
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_program_writes_the_script_to_a_file_or_to_standard_output() {
    let path = std::env::temp_dir().join(format!("sample-catalogue-{}.sql", std::process::id()));
    let sql = catalogue_sql(7).unwrap();
    let to_file = run(&["--seed", "7", "--output", path.to_str().unwrap()]);
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();

    assert!(to_file.status.success());
    assert!(to_file.stdout.is_empty());
    assert!(written == sql, "the file differs from the script");
    assert!(run(&["--seed", "7"]).stdout == sql.as_bytes());
}

#[test]
fn a_wrong_argument_exits_with_2_and_an_unwritable_file_with_1() {
    let wrong = run(&["--seed", "x"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("--seed must be a whole number")
    );

    let unwritable = run(&["--output", "/no/such/folder/a.sql"]);
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(
        String::from_utf8(unwritable.stderr)
            .unwrap()
            .contains("cannot write /no/such/folder/a.sql")
    );
}

#[test]
fn help_names_every_option() {
    let help = run(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();

    assert!(help.status.success());
    for option in ["--seed", "--dialect", "--output", "--help"] {
        assert!(text.contains(option), "{option}");
    }
}

fn run(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_sample-catalogue"))
        .args(arguments)
        .output()
        .unwrap()
}
