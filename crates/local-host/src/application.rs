//! From the command line to a running application. Everything is read and checked before the host
//! listens. Code that was never compiled is compiled when it is first needed, and the rest soon
//! after; if that fails, the host ends with the reason.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Collected};
use rusqlite::ErrorCode;
use tokio::signal::unix::{SignalKind, signal};
use wasmtime::component::Linker;

use crate::cli::Cli;
use crate::code::Compiler;
use crate::component::{Component, Loader, Storage};
use crate::guest::link_interfaces;
use crate::interfaces::key_value::KeyValueFile;
use crate::interfaces::sqlite::DatabaseFile;
use crate::manifest::{self, Manifest};
use crate::triggers::Stop;
use crate::triggers::cron::Schedule;
use crate::triggers::http::{Limits, Listening, Reuse, Server, body};
use crate::triggers::redis::Subscriptions;
use crate::variables::Variables;
use crate::{engine, log};

/// The time that running requests, messages and ticks have left after the signal to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Default of `--max-connections`.
const DEFAULT_MAX_CONNECTIONS: usize = 10_000;

/// Open files that a process can have where the system does not say.
const MIN_OPEN_FILES: usize = 256;

/// Runs the application until the signal to stop.
///
/// # Errors
/// Anything that prevents it from starting.
pub async fn run(cli: Cli) -> Result<()> {
    let manifest_path = if cli.from.is_dir() {
        cli.from.join("spin.toml")
    } else {
        cli.from.clone()
    };
    let manifest = manifest::read(&manifest_path)?;
    let root = directory_of(&manifest_path);
    let variables = resolve_variables(&manifest, &cli)?;

    let state = state_dir(&cli, &root)?;
    let storage = Storage {
        key_value: Arc::new(KeyValueFile::new(state.join("sqlite_key_value.db"))),
        sqlite: Arc::new(DatabaseFile::new(state.join("sqlite_db.db"))),
    };
    run_statements(&storage, &cli.sqlite)?;

    let components = load_components(&manifest, &variables, &root, &state, storage, &cli)?;
    let time_limit = Some(cli.request_timeout).filter(|limit| !limit.is_zero());
    let server = Server::new(&manifest, &components, reuse(&cli, time_limit))?;
    let triggers = Triggers {
        server: Some(server).filter(|_| !manifest.triggers.http.is_empty()),
        subscriptions: Subscriptions::new(&manifest, &variables, &components, time_limit)?,
        schedule: Schedule::new(&manifest, &components, time_limit)?,
    };

    let is_compiled = components
        .values()
        .all(|component| component.code.is_ready());
    if is_compiled {
        // Takes no time, and shows mistakes before the host listens.
        triggers.prepare().await?;
    }
    serve(triggers, &cli).await
}

fn directory_of(manifest_path: &Path) -> PathBuf {
    match manifest_path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn resolve_variables(manifest: &Manifest, cli: &Cli) -> Result<Variables> {
    let given: BTreeMap<_, _> = cli.variables.iter().cloned().collect();
    let from_file: BTreeMap<String, String> = dotenvy::from_path_iter(".env")
        .into_iter()
        .flatten()
        .collect::<Result<_, _>>()
        .context("cannot read .env")?;

    let environment = |name: &str| {
        std::env::var(name)
            .ok()
            .or_else(|| from_file.get(name).cloned())
    };
    Ok(Variables::resolve(
        &manifest.variables,
        &given,
        environment,
    )?)
}

fn state_dir(cli: &Cli, root: &Path) -> Result<PathBuf> {
    let state = cli.state_dir.clone().unwrap_or_else(|| root.join(".spin"));
    std::fs::create_dir_all(&state)
        .and_then(|()| state.canonicalize())
        .with_context(|| {
            format!(
                "cannot use {}; choose another directory with --state-dir",
                state.display()
            )
        })
}

/// Runs the SQL of `--sqlite`.
fn run_statements(storage: &Storage, arguments: &[String]) -> Result<()> {
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(file) => {
                let file = file.strip_suffix(":default").unwrap_or(file);
                let sql = std::fs::read_to_string(file)
                    .with_context(|| format!("--sqlite: cannot read {file}"))?;
                run_sql(storage, file, &sql)?;
            }
            None => run_sql(storage, argument, argument)?,
        }
    }

    Ok(())
}

fn run_sql(storage: &Storage, name: &str, sql: &str) -> Result<()> {
    storage
        .sqlite
        .open()
        .and_then(|database| database.run_batch(sql))
        .map_err(explain_lock)
        .with_context(|| format!("--sqlite {name}"))
}

/// Adds the likely cause to SQLite's error for a locked database.
fn explain_lock(error: rusqlite::Error) -> anyhow::Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => anyhow::Error::from(error)
            .context("another host is writing to this database; choose another directory with --state-dir"),
        _ => error.into(),
    }
}

fn load_components(
    manifest: &Manifest,
    variables: &Variables,
    root: &Path,
    state: &Path,
    storage: Storage,
    cli: &Cli,
) -> Result<HashMap<String, Arc<Component>>> {
    let engine = engine::build(cli.max_instances)?;
    let mut linker = Linker::new(&engine);
    link_interfaces(&mut linker)?;
    let compiler = Compiler::new(linker, state.join("cache"))?;

    let loader = Loader {
        root,
        manifest,
        variables,
        storage,
        compiler: Arc::new(compiler),
        quiet: cli.quiet,
    };
    loader.load(&manifest.used_components())
}

fn reuse(cli: &Cli, request_timeout: Option<Duration>) -> Reuse {
    Reuse {
        max_requests: cli.max_instance_reuse_count as usize,
        max_concurrent: cli.max_instance_concurrent_reuse_count as usize,
        idle: cli.idle_instance_timeout,
        request_timeout,
    }
}

fn limits(cli: &Cli) -> Limits {
    let open_files = match rlimit::Resource::NOFILE.get_soft() {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(_) => MIN_OPEN_FILES,
    };
    let connections = cli
        .max_connections
        .map_or(DEFAULT_MAX_CONNECTIONS, |given| given as usize);

    Limits {
        head: cli.head_timeout,
        idle: cli.idle_timeout,
        stall: cli.stall_timeout,
        // The other half is for the connections and databases of components.
        connections: connections.min(open_files / 2),
        unread_bytes: (cli.max_unsent_megabytes as usize) << 20,
    }
}

/// The triggers of an application. Everything is checked, except code that was never compiled.
#[derive(Clone)]
struct Triggers {
    /// Present if there is an HTTP trigger.
    server: Option<Arc<Server>>,
    subscriptions: Subscriptions,
    schedule: Schedule,
}

impl Triggers {
    /// Compiles the code that no request has needed yet.
    async fn prepare(&self) -> Result<()> {
        self.subscriptions.prepare().await?;
        self.schedule.prepare().await?;
        match &self.server {
            Some(server) => server.prepare().await,
            None => Ok(()),
        }
    }

    /// Does the same shortly after the host listens. Clients that waited for the host come first.
    async fn prepare_later(self, delay: Duration) -> Result<()> {
        tokio::time::sleep(delay).await;
        self.prepare().await
    }
}

async fn serve(triggers: Triggers, cli: &Cli) -> Result<()> {
    let stop = stop_signal()?;
    let listening = match triggers.server.clone() {
        Some(server) => Some(listen(server, cli).await?),
        None => None,
    };

    let http = async {
        match listening {
            Some(listening) => listening.serve(stop.clone()).await,
            None => Ok(()),
        }
    };
    let compiling = async {
        tokio::select! {
            compiled = triggers.clone().prepare_later(cli.compile_ahead_after) => compiled,
            () = stop.clone() => Ok(()),
        }
    };
    let redis = triggers.subscriptions.clone().run(stop.clone());
    let cron = triggers.schedule.clone().run(stop.clone());

    let work = async { tokio::try_join!(http, redis, cron, compiling).map(drop) };
    run_until_stopped(stop.clone(), work).await
}

/// Runs `work`, which ends by itself when it fails or soon after `stop`.
async fn run_until_stopped(stop: Stop, work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        () = stop => {}
    }

    match tokio::time::timeout(SHUTDOWN_GRACE, work).await {
        Ok(ended) => ended,
        Err(_) => {
            let seconds = SHUTDOWN_GRACE.as_secs();
            log::error(format_args!(
                "work that took longer than {seconds} s is cut off"
            ));
            Ok(())
        }
    }
}

/// Completes on SIGTERM or SIGINT.
fn stop_signal() -> Result<Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(stop.boxed().shared())
}

/// Binds the address, prints the routes, and starts the checks of `--check`.
async fn listen(server: Arc<Server>, cli: &Cli) -> Result<Listening> {
    let listening = Listening::bind(server, cli.listen, limits(cli)).await?;

    let address = listening.address();
    log::info(format_args!("Serving http://{address}\nAvailable Routes:"));
    for (route, component) in listening.server.routes() {
        log::info(format_args!("  {component}: http://{address}{route}"));
    }

    for path in &cli.checks {
        tokio::spawn(check(listening.server.clone(), path.clone()));
    }
    Ok(listening)
}

/// Requests `path` once and logs a response without success, so that a wrong setting shows at
/// start-up instead of at the first user.
async fn check(server: Arc<Server>, path: String) {
    if let Err(problem) = request_path(&server, &path).await {
        log::error(format_args!("error: {path} answers {problem}"));
    }
}

/// Requests `path`.
///
/// # Errors
/// The status and detail of a response without success.
async fn request_path(server: &Server, path: &str) -> Result<(), String> {
    let request = Request::get(path)
        .header(http::header::HOST, "localhost")
        .body(body(""))
        .map_err(|error| error.to_string())?;
    let response = server.handle(request, ([127, 0, 0, 1], 0).into()).await;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }

    let body = response.into_body().collect().await;
    let body = body.map(Collected::to_bytes).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = document["detail"].as_str().unwrap_or_default();
    Err(format!("{status} {detail}"))
}

#[cfg(test)]
mod tests;
