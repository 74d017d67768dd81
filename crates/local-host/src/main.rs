//! A host that runs a `spin.toml` on Wasmtime where the `spin` program is not installed.
//!
//! It knows Spin's interfaces and nothing of any application, and answers as Spin 4.1 does. On purpose it differs in this:
//!
//! - 5,000 instances may live at once (Spin: 1,000; `--max-instances` sets it). Where they are all taken the answer is 503
//!   with `retry-after`; Spin's is an empty 500.
//! - A component that traps or takes longer than `--request-timeout` (60 s; Spin has no limit) is answered for with a
//!   problem document; Spin's answer is an empty 500. What it streams after its answer has begun may take as long again.
//! - What Spin only logs is an error before listening: a route given twice or under the host's own prefix, an unknown
//!   `--variable`.
//! - Whether an address is allowed is decided by the host its client connects to; Spin takes `redis://there?@here` for `here`.
//!   Redis' Unix sockets are never allowed; Spin allows them with `*://*:*`.
//! - A connection stays with one thread, and each thread has instances of its own (Spin: all threads share them).
//! - A lost Redis subscription is made again, and one whose server does not answer for 10 s counts as lost; Spin ends, or waits for good.
//! - Told to stop, it lets the requests, messages and ticks at work end within 5 s.
//! - All triggers run in one process. There is no TLS, no runtime configuration file and no log directory, and only the
//!   key-value store and database `default`.
//! - A directory named in `files` as a plain string is refused: Spin nests it within itself.

mod allowed_hosts;
mod application;
mod cli;
mod code;
mod component;
mod engine;
mod files;
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

/// What one thread allocates for a request another frees, over which glibc's allocator makes threads wait for each other. How it
/// is set stands in `.cargo/config.toml`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How many files and connections the process asks to be allowed to have open.
const MAX_FILES: u64 = 65_536;

/// How long what is left at the end may take to be dropped.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Shells give a process 1,024 files, and each connection is one. Where it may not have more, it goes on with those.
    let _ = rlimit::increase_nofile_limit(MAX_FILES);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::problem(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(application::run(cli));
    // What is left is dropped, the copies of components' files with it; a compiler at work, say, must not keep the process.
    runtime.shutdown_timeout(LEFT_BEHIND);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Some causes are written over several lines; what the host says is one.
            let text = format!("{error:#}");
            log::problem(format_args!("error: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")));
            ExitCode::FAILURE
        }
    }
}
