//! The command line.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs a Spin application where the `spin` program is not installed.
///
/// Reads the application's spin.toml unchanged and runs the same .wasm files: HTTP, Redis and cron
/// triggers, variables from SPIN_VARIABLE_<NAME>, allowed_outbound_hosts, files, key-value stores,
/// SQLite databases and PostgreSQL. A feature that this host does not have is an error before it
/// listens.
#[derive(Debug, Parser)]
#[command(version, name = "local-host", args_override_self = true)]
pub struct Cli {
    /// The manifest, or its directory
    #[arg(
        short = 'f',
        long = "from",
        value_name = "PATH",
        default_value = "spin.toml"
    )]
    pub from: PathBuf,

    /// The address of the HTTP trigger; port 0 chooses a free port, which is printed
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = address)]
    pub listen: SocketAddr,

    /// The value of a variable; overrides SPIN_VARIABLE_<NAME> (repeatable)
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    pub variables: Vec<(String, String)>,

    /// SQL to run on the `default` database before listening, or a file with SQL (repeatable)
    #[arg(long = "sqlite", value_name = "STATEMENT|@FILE")]
    pub sqlite: Vec<String>,

    /// A path to request once after listening; a status other than 2xx is logged (repeatable).
    /// Ignored without an HTTP trigger
    #[arg(long = "check", value_name = "PATH")]
    pub checks: Vec<String>,

    /// The directory of key-value stores, databases and compiled components [default: .spin beside
    /// the manifest]
    #[arg(long, value_name = "DIRECTORY")]
    pub state_dir: Option<PathBuf>,

    /// How long a component may take to respond before the client receives 504, or to handle a
    /// message or tick, in seconds (or 500ms). Work after its response has begun may take the same
    /// time again before it is cut off. 0 is unlimited, as in Spin
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = duration)]
    pub request_timeout: Duration,

    /// How long after it listens the host begins to compile the code that no request has needed, in
    /// seconds (or 500ms). Where a start asks several applications for some of their components, the
    /// rest would compete with these
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration)]
    pub compile_ahead_after: Duration,

    /// How long a client may take to send the head of a request, from connecting or from the first
    /// byte of a later request
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = positive_duration)]
    pub head_timeout: Duration,

    /// How long a connection may be idle between two requests
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = positive_duration)]
    pub idle_timeout: Duration,

    /// How long a client may send nothing of a body, or read less than 1 KiB of its responses a
    /// second, before its connection is closed
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = positive_duration)]
    pub stall_timeout: Duration,

    /// Connections that may be open [default: 10000], at most half the open files the process may
    /// have. When the maximum is reached, a connection that waits for its client is closed in favour
    /// of a new one; if there is none, the new client receives 503
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: Option<u32>,

    /// Bytes of responses that clients may leave unread, over all connections, in MiB. When the
    /// maximum is reached, clients that have stopped reading, or would need more than a minute for
    /// the rest, are cut off; if that is not enough, the next request receives 503
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub max_unsent_megabytes: u32,

    /// Requests that an instance serves before it is replaced
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_instance_reuse_count: u32,

    /// Requests that an instance serves at once
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_instance_concurrent_reuse_count: u32,

    /// Instances that may exist at once; when all are in use, the client receives 503. An unused
    /// instance takes only address space; each one in use takes about six of the 65,530 mappings that
    /// Linux permits a process
    #[arg(long, env = "SPIN_WASMTIME_INSTANCE_COUNT", value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_instances: u32,

    /// How long an instance without requests is kept, in seconds (or 500ms)
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = duration)]
    pub idle_instance_timeout: Duration,

    /// Discard the output of components
    #[arg(short, long)]
    pub quiet: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let addresses = text.to_socket_addrs().map_err(|error| error.to_string())?;
    let addresses: Vec<_> = addresses.collect();
    // `localhost` has an IPv4 and an IPv6 address; clients expect the former.
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first())
        .copied()
        .ok_or_else(|| "no such host".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let parse = |number: &str| {
        number
            .parse()
            .map_err(|_| "must be a number of seconds, such as 60, 60s or 500ms".to_owned())
    };
    match text.strip_suffix("ms") {
        Some(number) => parse(number).map(Duration::from_millis),
        None => parse(text.strip_suffix('s').unwrap_or(text)).map(Duration::from_secs),
    }
}

/// Parses a time limit that cannot be unlimited.
fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        return Err("must be more than 0".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_time_without_a_unit_is_in_seconds() {
        assert_eq!(duration("60"), Ok(Duration::from_secs(60)));
    }

    #[test]
    fn a_time_may_have_a_unit() {
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn a_time_that_is_not_a_number_is_refused() {
        assert!(duration("soon").is_err());
    }

    #[test]
    fn the_value_of_a_variable_may_contain_equal_signs() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
    }

    #[test]
    fn a_variable_needs_a_value() {
        assert!(pair("a").is_err());
    }
}
