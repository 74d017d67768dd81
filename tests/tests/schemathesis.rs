//! Schemathesis reads `openapi.yaml`, makes requests of it that fit and that do not, and holds the answers against it.
//!
//! Not by default: it takes its time, and needs `scripts/setup --test`; `scripts/test` runs it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use end_to_end::{App, Caller, repository};

/// What an answer must be whatever was asked.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,unsupported_method,allow_header_conformance";

fn program() -> PathBuf {
    let installed = || repository().join("target/schemathesis/bin/schemathesis");
    env::var_os("SCHEMATHESIS_BIN").map_or_else(installed, PathBuf::from)
}

#[test]
#[ignore = "needs schemathesis; scripts/test runs it"]
fn schemathesis_finds_no_answer_that_is_not_in_the_document() {
    let app = App::start();
    let mut command = Command::new(program());
    command.arg("run").arg(repository().join("openapi.yaml")).args(["--url", &format!("http://{}", app.address())]);
    command.args(["--header", &format!("authorization: Bearer {}", Caller::Admin.token().unwrap())]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", "20251115"]);
    command.args(["--max-examples", "100", "--workers", "2", "--no-shrink", "--no-color"]);
    command.args(["--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "30"]);
    // Examples kept from runs before would make this one depend on them.
    let folder = tempfile::tempdir().unwrap();
    command.args(["--generation-database", "none"]).current_dir(folder.path());
    let status = command.status().expect("schemathesis must be installed: scripts/setup --test does that");
    assert!(status.success(), "schemathesis found something: {status}");
    app.nobody().get("/health").ok();
}
