//! The command line.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs a Spin application where the `spin` program is not installed.
///
/// Reads the application's spin.toml unchanged and serves the same .wasm files: HTTP, Redis and cron triggers, variables from
/// SPIN_VARIABLE_<NAME>, allowed_outbound_hosts, files, key-value stores, SQLite databases and PostgreSQL. What an application
/// needs and this host does not have is reported before it listens.
#[derive(Debug, Parser)]
#[command(version, name = "local-host", args_override_self = true)]
pub struct Cli {
    /// The manifest, or the directory it is in
    #[arg(short = 'f', long = "from", value_name = "PATH", default_value = "spin.toml")]
    pub from: PathBuf,

    /// The address to listen on, where there is an HTTP trigger; port 0 takes a free one, and the one taken is printed
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = address)]
    pub listen: SocketAddr,

    /// A variable's value; wins over SPIN_VARIABLE_<NAME> (repeatable)
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    pub variables: Vec<(String, String)>,

    /// SQL to run on the `default` database before listening, or @FILE with it (repeatable)
    #[arg(long = "sqlite", value_name = "STATEMENT|@FILE")]
    pub sqlite: Vec<String>,

    /// A path to request once after listening; an answer other than 2xx is logged (repeatable). Without an HTTP trigger there is
    /// nothing to ask
    #[arg(long = "check", value_name = "PATH")]
    pub checks: Vec<String>,

    /// Where key-value stores, databases and compiled components are kept [default: .spin beside the manifest]
    #[arg(long, value_name = "DIRECTORY")]
    pub state_dir: Option<PathBuf>,

    /// How long a component may take to answer, in seconds (500ms is understood too), before the client gets 504; or to handle a
    /// message or a tick. What it streams after its answer has begun, or does by itself, may take as long again and is then
    /// cut off. 0 is forever, which is what Spin does
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = duration)]
    pub request_timeout: Duration,

    /// How many requests an instance serves before it is replaced
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_instance_reuse_count: u32,

    /// How many requests an instance serves at once
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_instance_concurrent_reuse_count: u32,

    /// How many instances may live at once; where all are taken the client gets 503. Until they are used they are address
    /// space, and each in use takes about six of the 65,530 mappings Linux allows a process
    #[arg(long, env = "SPIN_WASMTIME_INSTANCE_COUNT", value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_instances: u32,

    /// How long an instance without requests is kept, in seconds (500ms is understood too)
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = duration)]
    pub idle_instance_timeout: Duration,

    /// Throw away what components print
    #[arg(short, long)]
    pub quiet: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<_> = text.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    // `localhost` is two addresses; clients expect the older one.
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "no such host".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit): (_, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => (text.strip_suffix('s').unwrap_or(text), Duration::from_secs),
    };
    number.parse().map(unit).map_err(|_| "must be a number of seconds, as 60, 60s or 500ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn times_are_seconds_unless_they_say_otherwise() {
        assert_eq!(duration("60"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(duration("soon").is_err());
    }

    #[test]
    fn a_variable_may_contain_equal_signs() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("a").is_err());
    }
}
