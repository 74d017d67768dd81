//! README.md and docs/: their commands work, their tables are complete, and their links resolve.
//!
//! The Rust examples are compiled by the documentation tests of `edge-cache-spin`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use end_to_end::{App, Caller, contract, repository};
use serde_json::Value;

/// Documents whose `curl` commands are run. A command that cannot succeed here is in a `console`
/// block instead of `sh`.
const RUN: [&str; 5] = [
    "README.md",
    "docs/api.md",
    "docs/library.md",
    "docs/metrics.md",
    "docs/deploy.md",
];
/// Addresses of the application and the sample shop in the documents.
const APPLICATION: &str = "http://127.0.0.1:3000";
const SHOP: &str = "http://127.0.0.1:3001";
/// A shell function that fails on any status from 400 on, and prints the status.
const CURL: &str = r#"curl() { command curl -sS --fail-with-body --max-time 60 -w '\nstatus %{http_code}\n' "$@"; }"#;

fn read(document: &str) -> String {
    fs::read_to_string(repository().join(document)).unwrap()
}

/// Returns all documents, those at the root and those in `docs`.
fn documents() -> Vec<String> {
    let names = |folder: &str| -> Vec<String> {
        let files = fs::read_dir(repository().join(folder)).unwrap();
        files
            .map(|file| {
                format!(
                    "{folder}{}",
                    file.unwrap().file_name().into_string().unwrap()
                )
            })
            .collect()
    };

    let all = names("").into_iter().chain(names("docs/"));
    all.filter(|name| name.ends_with(".md")).collect()
}

/// Returns the fenced blocks of one language, with continued lines joined.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_open = false;
    let mut is_wanted = false;
    for line in text.lines() {
        if let Some(info) = line.strip_prefix("```") {
            is_open = !is_open;
            is_wanted = is_open && info == language;
            if is_wanted {
                blocks.push(String::new());
            }
        } else if let Some(block) = blocks.last_mut().filter(|_| is_wanted) {
            *block += &format!("{line}\n");
        }
    }

    blocks
        .iter()
        .map(|block| block.replace("\\\n", " "))
        .collect()
}

/// Returns the text of a document without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect()
}

/// Returns the cells of every row of every table, without separators.
fn rows(text: &str) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let cells = line.strip_prefix("| ")?.strip_suffix('|')?;
        let cells: Vec<String> = cells
            .split(" |")
            .map(|cell| cell.trim().to_owned())
            .collect();
        (!cells[0].starts_with("---")).then_some(cells)
    };
    text.lines().filter_map(row).collect()
}

/// Returns the code at the beginning of a cell.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.split('`').next()
}

/// Runs a command as a reader pastes it, after the assignments before it.
fn run(assignments: &str, command: &str) -> Output {
    let script = format!("set -euo pipefail\n{CURL}\n{assignments}\n{command}\n");
    Command::new("bash").args(["-c", &script]).output().unwrap()
}

/// Fills Redis with the sample data of `scripts/up`, which the documents assume.
fn refill(app: &App) {
    let () = redis::cmd("FLUSHDB").query(&mut app.connection()).unwrap();
    let mut script = Command::new(repository().join("scripts/sample-data"));
    assert!(
        script
            .arg(app.redis().port().to_string())
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn every_command_of_the_documents_succeeds() {
    let app = App::start();
    let application = format!("http://{}", app.address());
    let shop = format!("http://{}", app.address_of("/api/products/popular"));
    let token = Caller::Admin.token().unwrap();
    let mut commands = 0;

    for document in RUN {
        let mut assignments = String::new();
        for block in fenced(&read(document), "sh") {
            let block = block
                .replace(APPLICATION, &application)
                .replace(SHOP, &shop)
                .replace("<token>", token);
            refill(&app);

            for line in block.lines() {
                if ["api=", "auth=", "site="]
                    .iter()
                    .any(|name| line.starts_with(name))
                {
                    assignments += &format!("{line}\n");
                }
                if line.starts_with("curl ") {
                    let output = run(&assignments, line);
                    let printed = String::from_utf8_lossy(&output.stdout);
                    let errors = String::from_utf8_lossy(&output.stderr);
                    let status = printed.trim_end().rsplit("status ").next().unwrap();
                    assert!(
                        status.starts_with('2'),
                        "{document}: {line}\n{printed}\n{errors}"
                    );
                    assert!(
                        output.status.success(),
                        "{document}: {line}\n{printed}\n{errors}"
                    );
                    commands += 1;
                }
            }
        }
    }

    assert!(commands > 30, "only {commands} commands were found");
}

#[test]
fn docs_api_has_a_row_for_every_operation_with_its_role() {
    let shop = read("examples/catalog/openapi.yaml");
    let belongs_to_shop = |path: &str| shop.lines().any(|line| line == format!("  {path}:"));
    let mut expected = BTreeMap::new();
    for (path, methods) in contract()
        .paths()
        .into_iter()
        .filter(|(path, _)| !belongs_to_shop(path))
    {
        for method in methods {
            let operation = &contract().document()["paths"][&path][method.to_ascii_lowercase()];
            let description = operation["description"].as_str().unwrap();
            let role = description
                .split_once("Role: ")
                .map(|(_, role)| role.split([' ', '.', ';', ',']).next().unwrap());
            expected.insert(
                format!("{method} {path}"),
                role.unwrap_or("public").to_owned(),
            );
        }
    }

    let is_route = |text: &&str| text.contains(" /");
    let mut found = BTreeMap::new();
    for row in rows(&read("docs/api.md")) {
        let Some(route) = code(&row[0]).filter(is_route) else {
            continue;
        };
        let (method, path) = route.split_once(' ').unwrap();
        let whole = ["/api/", "/admin"]
            .iter()
            .any(|start| path.starts_with(start));
        let path = if whole {
            path.to_owned()
        } else {
            format!("/api/cache{path}")
        };
        let role = row[1].split([' ', ';']).next().unwrap().to_owned();
        assert_eq!(
            found.insert(format!("{method} {path}"), role),
            None,
            "{route} has two rows"
        );
    }

    let routes = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(routes(&found), routes(&expected));
    for (route, role) in &expected {
        // "Role: as with GET" names no role itself.
        assert!(
            role == "as" || role == &found[route],
            "{route} takes the role {role}, not {}",
            found[route]
        );
    }
}

#[test]
fn docs_configuration_has_every_variable_with_its_default() {
    let text = read("docs/configuration.md");
    let rows = rows(&text);
    let mut expected = BTreeSet::new();

    for manifest in [
        "spin.toml",
        "schedule.toml",
        "events.toml",
        "examples/catalog/spin.toml",
    ] {
        let manifest: toml::Value = toml::from_str(&read(manifest)).unwrap();
        for (name, variable) in manifest["variables"].as_table().unwrap() {
            let row = rows
                .iter()
                .find(|row| code(&row[0]) == Some(name))
                .unwrap_or_else(|| panic!("{name} has no row"));
            let default = variable["default"].as_str().unwrap();
            let shown = match row[2].as_str() {
                "empty" => default.is_empty(),
                "below" => text.lines().any(|line| line == default),
                cell => code(cell) == Some(default),
            };
            assert!(shown, "{name}: the default is {default:?}, not {}", row[2]);

            let is_secret = variable.get("secret").is_some();
            assert_eq!(row[1].contains("secret"), is_secret, "{name}: {}", row[1]);
            expected.insert(name.clone());
        }
    }

    let with_defaults = rows
        .iter()
        .filter(|row| row.len() == 4)
        .filter_map(|row| code(&row[0]).map(str::to_owned));
    assert_eq!(with_defaults.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn docs_library_has_every_option_with_an_example() {
    let text = read("docs/library.md");
    let examples = fenced(&text, "rust").join("\n");
    let source = read("crates/edge-cache/src/cache/options.rs");
    let fields = source
        .split_once("pub struct Options")
        .unwrap()
        .1
        .split_once("\n}")
        .unwrap()
        .0;
    let options = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
    let options: Vec<&str> = options.map(|(name, _)| name).collect();

    assert!(options.len() >= 10, "{options:?}");
    for option in options {
        assert!(
            rows(&text).iter().any(|row| code(&row[0]) == Some(option)),
            "{option} has no row"
        );
        assert!(
            examples.contains(&format!("{option}: ")),
            "{option} has no example"
        );
    }
}

#[test]
fn every_block_of_data_is_well_formed() {
    let mut parsed = 0;

    for document in documents() {
        let text = read(&document);
        for block in fenced(&text, "toml") {
            toml::from_str::<toml::Table>(&block)
                .unwrap_or_else(|error| panic!("{document}: {error}\n{block}"));
            parsed += 1;
        }
        for block in fenced(&text, "yaml") {
            serde_saphyr::from_str::<Value>(&block)
                .unwrap_or_else(|error| panic!("{document}: {error}\n{block}"));
            parsed += 1;
        }
    }

    assert!(parsed >= 4, "only {parsed} blocks were found");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 110, "{lines} lines; move the rest to docs/");
}

/// Returns the anchor that GitHub creates for a heading.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

/// Returns the file of a link, and the heading in it.
fn target<'a>(document: &str, link: &'a str) -> (PathBuf, Option<&'a str>) {
    let (file, heading) = link
        .split_once('#')
        .map_or((link, None), |(file, heading)| (file, Some(heading)));
    let folder = Path::new(document).parent().unwrap();
    let file = if file.is_empty() {
        PathBuf::from(document)
    } else {
        folder.join(file)
    };
    (repository().join(file), heading)
}

#[test]
fn every_link_resolves() {
    let mut followed = 0;

    for document in documents() {
        let text = prose(&read(&document));
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) = target(&document, link);
            assert!(
                file.exists(),
                "{document} links to {link}, which does not exist"
            );

            if let Some(heading) = heading {
                let text = prose(&fs::read_to_string(&file).unwrap());
                let mut headings = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| line.trim_start_matches('#'));
                assert!(
                    headings.any(|line| anchor(line.trim()) == heading),
                    "{document}: no heading for {link}"
                );
            }
            followed += 1;
        }
    }

    assert!(followed > 50, "only {followed} links were found");
}
