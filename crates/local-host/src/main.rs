//! A host that runs a `spin.toml` on Wasmtime where the `spin` program is not installed.
//!
//! It knows the interfaces of Spin and no application, and behaves like Spin 4.1 except for these
//! deliberate differences:
//!
//! - Up to 5,000 instances exist at once (Spin: 1,000; `--max-instances` changes it). When all are in
//!   use, the response is a 503 with `retry-after`; Spin's is an empty 500.
//! - When a component traps or exceeds `--request-timeout` (60 s; unlimited in Spin), the response is
//!   a problem document; Spin's is an empty 500. A component may stream for the same time again after
//!   its response has begun.
//! - A request without a host, with two hosts, or with a header that is not UTF-8 receives a 400; Spin
//!   closes the connection.
//! - Clients have limits: 10 s for the head of a request, 60 s between requests, 30 s for a body that
//!   does not move, a number of connections, and a number of unread bytes. Spin has none.
//! - An unknown `--variable`, a duplicate route and a route under the host's own prefix are errors at
//!   start-up. Spin only logs them.
//! - An address is allowed or forbidden by the host that its client connects to; Spin reads the host
//!   `here` in `redis://there?@here`. Unix sockets of Redis are never allowed; Spin allows them with
//!   `*://*:*`.
//! - A connection stays with one thread, and each thread has instances of its own. In Spin, all
//!   threads share them.
//! - The host renews a lost Redis subscription. A server that does not answer for 10 s counts as
//!   lost. Spin ends, or waits forever.
//! - At SIGTERM or SIGINT, running requests, messages and ticks may finish within 5 s.
//! - All triggers run in one process. There is no TLS, no runtime configuration file and no log
//!   directory, and the only key-value store and database is `default`.
//! - A dependency of a component inherits all of the component's configuration or nothing, and one that
//!   inherits nothing must not import what it would have to be denied. Spin passes on parts.
//! - Interfaces of Spin and WASI that this host does not have (MySQL, MQTT, LLM, drafts of WASI) trap when
//!   they are called.
//! - A directory named in `files` as a plain string is refused; Spin nests it within itself.

mod absent;
mod allowed_hosts;
mod application;
mod cli;
mod code;
mod code_cache;
mod component;
mod composition;
mod engine;
mod files;
mod grants;
mod guest;
mod interfaces;
mod log;
mod manifest;
mod outbound_http;
mod routes;
mod stdio;
mod template;
mod triggers;
mod variables;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

/// The allocator of release builds. One thread often frees what another has allocated, for which
/// glibc's allocator makes threads wait for each other. `.cargo/config.toml` sets its options.
#[cfg(all(feature = "jemalloc", target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Open files and connections that the process asks for.
const MAX_OPEN_FILES: u64 = 65_536;

/// How long blocking work may take when the host ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Shells permit a process 1,024 open files, and each connection is one. If the system refuses
    // more, the host continues with those.
    let _ = rlimit::increase_nofile_limit(MAX_OPEN_FILES);

    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::error(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(application::run(cli));
    // Drops the remaining work and the copies of components' files. A running compiler, for example,
    // must not keep the process alive.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);

    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Some errors have several lines; a log line has one.
            let text = format!("{error:#}");
            let words: Vec<_> = text.split_whitespace().collect();
            log::error(format_args!("error: {}", words.join(" ")));
            ExitCode::FAILURE
        }
    }
}
