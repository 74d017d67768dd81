//! The default limits, and the texts that state them.

use clap::{CommandFactory as _, Parser as _};

use super::*;

/// docs/RELIABILITY.md, and the description of this crate.
const TEXTS: [&str; 2] = [
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/RELIABILITY.md"
    )),
    include_str!("../main.rs"),
];

/// Puts a text on one line, so that its line breaks do not matter.
fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "//!")
        .collect();
    words.join(" ")
}

/// Writes a number of four or five digits as a document does.
fn with_comma(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

/// The default of a numeric option, whatever the environment says.
fn default_of(option: &str) -> usize {
    let command = Cli::command();
    let mut options = command.get_arguments();
    let found = options.find(|argument| argument.get_id().as_str() == option);
    let values = found.unwrap().get_default_values();
    values[0].to_str().unwrap().parse().unwrap()
}

#[test]
fn the_documents_state_the_default_limits_of_clients() {
    let cli = Cli::parse_from(["local-host"]);
    let limits = limits(&cli);
    let [reliability, description] = TEXTS.map(on_one_line);
    let [head, idle, stall] = [limits.head, limits.idle, limits.stall].map(|limit| limit.as_secs());
    let connections = with_comma(DEFAULT_MAX_CONNECTIONS);
    let unread_mib = limits.unread_bytes >> 20;

    for sentence in [
        format!("has {head} s to send the head of a request, and {idle} s between requests."),
        format!("of its responses a second, for {stall} s."),
        format!("half of the files that the process may open, and at most {connections}."),
        format!("Responses that clients have not read take at most {unread_mib} MiB."),
    ] {
        assert!(reliability.contains(&sentence), "{sentence}");
    }

    let sentence = format!(
        "{head} s for the head of a request, {idle} s between requests, {stall} s for a body that does not move"
    );
    assert!(description.contains(&sentence), "{sentence}");
}

#[test]
fn the_documents_state_the_default_limits_of_instances() {
    let [reliability, description] = TEXTS.map(on_one_line);
    let instances = with_comma(default_of("max_instances"));
    let concurrent = default_of("max_instance_concurrent_reuse_count");
    let request_timeout = default_of("request_timeout");

    for (text, sentence) in [
        (
            &reliability,
            format!("At most {instances} instances run at once (`--max-instances`)."),
        ),
        (
            &reliability,
            format!("share instances, up to {concurrent} each"),
        ),
        (
            &description,
            format!("Up to {instances} instances exist at once"),
        ),
        (
            &description,
            format!("`--request-timeout` ({request_timeout} s; unlimited in Spin)"),
        ),
    ] {
        assert!(text.contains(&sentence), "{sentence}");
    }
}

#[test]
fn connections_take_at_most_half_of_the_open_files() {
    let files = rlimit::Resource::NOFILE.get_soft().unwrap();
    let half = usize::try_from(files).unwrap_or(usize::MAX) / 2;

    let connections = limits(&Cli::parse_from(["local-host"])).connections;

    assert_eq!(connections, half.min(DEFAULT_MAX_CONNECTIONS));
    let help = on_one_line(&Cli::command().render_long_help().to_string());
    let sentence = format!(
        "Connections that may be open [default: {DEFAULT_MAX_CONNECTIONS}], at most half the open files"
    );
    assert!(help.contains(&sentence), "{help}");
}
