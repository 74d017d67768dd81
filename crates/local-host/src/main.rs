//! A host that runs a `spin.toml` on Wasmtime where the `spin` program is not installed.
//!
//! It knows Spin's interfaces and nothing of any application, and answers as Spin does; where it differs on purpose, the
//! module that differs says so.

mod allowed_hosts;
mod application;
mod cli;
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

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::problem(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(application::run(cli));
    // Guests that still run, in a loop say, must not keep the process.
    runtime.shutdown_background();
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
