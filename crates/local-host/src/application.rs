//! From the command line to a running application: everything is read and checked before it listens. What was never compiled
//! is compiled when it is first needed, and the rest soon after; if it cannot be, the host ends with the reason.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use http::Request;
use http_body_util::{BodyExt as _, Collected};
use tokio::signal::unix::{SignalKind, signal};
use wasmtime::component::Linker;

use crate::cli::Cli;
use crate::code::Compiler;
use crate::component::{Component, Loader, Storage};
use crate::interfaces::key_value::KeyValueFile;
use crate::interfaces::sqlite::DatabaseFile;
use crate::log;
use crate::manifest::Manifest;
use crate::triggers::Stop;
use crate::triggers::cron::Schedule;
use crate::triggers::http::{Listening, Reuse, Server};
use crate::triggers::redis::Subscriptions;
use crate::variables::Variables;
use crate::{engine, interfaces};

/// How long after listening the rest is compiled that no request has asked for.
const FIRST_REQUESTS: Duration = Duration::from_millis(50);

/// How long requests, messages and ticks at work may take once the host is told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Runs the application until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn run(cli: Cli) -> Result<()> {
    let manifest_path = if cli.from.is_dir() { cli.from.join("spin.toml") } else { cli.from.clone() };
    let manifest = Manifest::read(&manifest_path)?;
    let root = manifest_path.parent().unwrap_or(Path::new("")).to_owned();
    let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
    let variables = settle_variables(&manifest, &cli)?;
    let state = state_dir(&cli, &root)?;
    let storage = Storage {
        key_value: Arc::new(KeyValueFile::new(state.join("sqlite_key_value.db"))),
        sqlite: Arc::new(DatabaseFile::new(state.join("sqlite_db.db"))),
    };
    run_statements(&storage, &cli.sqlite)?;
    let components = load(&manifest, &variables, &root, &state, storage, &cli)?;
    let time_limit = Some(cli.request_timeout).filter(|limit| !limit.is_zero());
    let server = Server::new(&manifest, &components, reuse(&cli, time_limit))?;
    let prepared = Prepared {
        server: Some(server).filter(|_| !manifest.triggers.http.is_empty()),
        subscriptions: Subscriptions::new(&manifest, &variables, &components, time_limit)?,
        schedule: Schedule::new(&manifest, &components, time_limit)?,
    };
    if components.values().all(|component| component.code.is_ready()) {
        // Nothing to wait for: what is wrong shows before listening.
        prepared.prepare().await?;
    }
    serve(prepared, &cli).await
}

fn settle_variables(manifest: &Manifest, cli: &Cli) -> Result<Variables> {
    let given: BTreeMap<_, _> = cli.variables.iter().cloned().collect();
    let from_file: BTreeMap<String, String> =
        dotenvy::from_path_iter(".env").into_iter().flatten().collect::<Result<_, _>>().context("cannot read .env")?;
    let environment = |name: &str| std::env::var(name).ok().or_else(|| from_file.get(name).cloned());
    Ok(Variables::settle(&manifest.variables, &given, environment)?)
}

fn state_dir(cli: &Cli, root: &Path) -> Result<PathBuf> {
    let state = cli.state_dir.clone().unwrap_or_else(|| root.join(".spin"));
    std::fs::create_dir_all(&state)
        .and_then(|()| state.canonicalize())
        .with_context(|| format!("cannot use {}; choose another directory with --state-dir", state.display()))
}

fn run_statements(storage: &Storage, statements: &[String]) -> Result<()> {
    for statement in statements {
        let (sql, what) = match statement.strip_prefix('@') {
            Some(file) => {
                let file = file.strip_suffix(":default").unwrap_or(file);
                let sql = std::fs::read_to_string(file).with_context(|| format!("--sqlite: cannot read {file}"))?;
                (sql, file)
            }
            None => (statement.clone(), statement.as_str()),
        };
        let opened = storage.sqlite.open();
        opened.and_then(|database| database.run_batch(&sql)).with_context(|| format!("--sqlite {what}"))?;
    }
    Ok(())
}

fn load(
    manifest: &Manifest,
    variables: &Variables,
    root: &Path,
    state: &Path,
    storage: Storage,
    cli: &Cli,
) -> Result<HashMap<String, Arc<Component>>> {
    let engine = engine::build(cli.max_instances)?;
    let mut linker = Linker::new(&engine);
    interfaces::link(&mut linker)?;
    let compiler = Arc::new(Compiler::new(linker, state.join("cache"))?);
    Loader { root, manifest, variables, storage, compiler, quiet: cli.quiet }.load(&manifest.used_components())
}

fn reuse(cli: &Cli, request_timeout: Option<Duration>) -> Reuse {
    Reuse {
        max_requests: cli.max_instance_reuse_count as usize,
        max_concurrent: cli.max_instance_concurrent_reuse_count as usize,
        idle: cli.idle_instance_timeout,
        request_timeout,
    }
}

/// An application of which everything has been checked, but for code that was not compiled before.
#[derive(Clone)]
struct Prepared {
    /// Where there is an HTTP trigger.
    server: Option<Arc<Server>>,
    subscriptions: Subscriptions,
    schedule: Schedule,
}

impl Prepared {
    /// Compiles what nobody has asked for yet.
    async fn prepare(&self) -> Result<()> {
        self.subscriptions.prepare().await?;
        self.schedule.prepare().await?;
        match &self.server {
            Some(server) => server.prepare().await,
            None => Ok(()),
        }
    }

    /// The same once the host listens: whoever has waited for that asks now, and is served first.
    async fn prepare_later(self) -> Result<()> {
        tokio::time::sleep(FIRST_REQUESTS).await;
        self.prepare().await
    }
}

async fn serve(prepared: Prepared, cli: &Cli) -> Result<()> {
    let stop = told_to_stop()?;
    let listening = match prepared.server.clone() {
        Some(server) => Some(listen(server, cli).await?),
        None => None,
    };
    let served = async {
        match listening {
            Some(listening) => listening.serve(stop.clone()).await,
            None => Ok(()),
        }
    };
    let compiled = async {
        tokio::select! {
            compiled = prepared.clone().prepare_later() => compiled,
            () = stop.clone() => Ok(()),
        }
    };
    let subscribed = prepared.subscriptions.clone().run(stop.clone());
    let scheduled = prepared.schedule.clone().run(stop.clone());
    let work = async { tokio::try_join!(served, subscribed, scheduled, compiled).map(drop) };
    until_told(stop.clone(), work).await
}

/// Does `work`, which ends by itself when it fails or soon after `stop`.
async fn until_told(stop: Stop, work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        () = stop => {}
    }
    tokio::time::timeout(SHUTDOWN_GRACE, work).await.unwrap_or_else(|_| {
        log::problem(format_args!("what is still at work after {} s is cut off", SHUTDOWN_GRACE.as_secs()));
        Ok(())
    })
}

fn told_to_stop() -> Result<Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(told.boxed().shared())
}

/// Takes the address, says where each route is, and asks for the paths to be checked.
async fn listen(server: Arc<Server>, cli: &Cli) -> Result<Listening> {
    let listening = server.listen(cli.listen).await?;
    let address = listening.address();
    log::notice(format_args!("Serving http://{address}\nAvailable Routes:"));
    for (route, component) in listening.server.routes() {
        log::notice(format_args!("  {component}: http://{address}{route}"));
    }
    for path in &cli.checks {
        tokio::spawn(check(listening.server.clone(), path.clone()));
    }
    Ok(listening)
}

/// Requests `path` once and logs an answer that is not a success: a wrong setting shows at start-up, not at the first user.
async fn check(server: Arc<Server>, path: String) {
    let request = Request::get(&path).header(http::header::HOST, "localhost").body(crate::triggers::http::no_body());
    let outcome = match request {
        Ok(request) => server.handle(request, ([127, 0, 0, 1], 0).into()).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let problem = match outcome {
        Ok(response) if response.status().is_success() => return,
        Ok(response) => {
            let status = response.status();
            let body = response.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
            let detail = serde_json::from_slice::<serde_json::Value>(&body).ok();
            let detail = detail.as_ref().and_then(|body| body.get("detail")?.as_str()).unwrap_or_default();
            format!("{status} {detail}")
        }
        Err(error) => error,
    };
    log::problem(format_args!("error: {path} answers {problem}"));
}
