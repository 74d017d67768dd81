//! A component that is ready to run: compiled, linked, and with everything the manifest grants it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use wasmtime::Engine;
use wasmtime::component::{InstancePre, Linker};

use crate::allowed_hosts::AllowedHosts;
use crate::files;
use crate::guest::Guest;
use crate::interfaces::key_value::KeyValueFile;
use crate::interfaces::postgres;
use crate::interfaces::sqlite::DatabaseFile;
use crate::manifest::{self, Manifest};
use crate::template::Template;
use crate::variables::Variables;

/// A component and what it may use.
pub struct Component {
    pub id: String,
    pub code: InstancePre<Guest>,
    pub variables: HashMap<String, String>,
    pub environment: Vec<(String, String)>,
    /// A copy of its files, gone with the host.
    pub files: Option<TempDir>,
    pub allowed_hosts: Arc<AllowedHosts>,
    pub key_value_stores: HashSet<String>,
    pub sqlite_databases: HashSet<String>,
    pub storage: Storage,
    /// Its connections to PostgreSQL, shared by its instances.
    pub postgres: postgres::Pools,
    /// Its output is thrown away.
    pub quiet: bool,
}

/// What components keep.
#[derive(Clone, Debug)]
pub struct Storage {
    pub key_value: Arc<KeyValueFile>,
    pub sqlite: Arc<DatabaseFile>,
}

/// What all components of an application share while they are loaded.
pub struct Loader<'a> {
    pub root: &'a Path,
    pub manifest: &'a Manifest,
    pub variables: &'a Variables,
    pub storage: Storage,
    pub linker: &'a Linker<Guest>,
    pub quiet: bool,
}

impl Loader<'_> {
    /// Loads every component some trigger names. Files that several components share are compiled once, different ones at
    /// the same time.
    ///
    /// # Errors
    /// A file that is missing or no component, an interface this host does not have, a bad host entry or template.
    pub fn load(&self, used: &HashSet<&str>) -> Result<HashMap<String, Arc<Component>>> {
        let used = self.manifest.components.iter().filter(|(id, _)| used.contains(id.as_str()));
        let used: Vec<_> = used.collect();
        let sources: HashSet<&str> = used.iter().map(|(_, component)| component.source()).collect();
        let compiled = self.compile(&sources)?;
        let mut loaded = HashMap::new();
        for (id, component) in used {
            let code = &compiled[component.source()];
            let component = self.prepare(id, component, code).with_context(|| format!("component `{id}`"))?;
            loaded.insert(id.clone(), Arc::new(component));
        }
        Ok(loaded)
    }

    fn compile<'s>(&self, sources: &HashSet<&'s str>) -> Result<HashMap<&'s str, wasmtime::component::Component>> {
        let engine = self.linker.engine();
        std::thread::scope(|scope| {
            let tasks: Vec<_> = sources
                .iter()
                .map(|source| (*source, scope.spawn(move || compile(engine, &self.root.join(source)))))
                .collect();
            let mut compiled = HashMap::new();
            for (source, task) in tasks {
                let Ok(component) = task.join() else { bail!("compiling {source} failed") };
                compiled.insert(source, component?);
            }
            Ok(compiled)
        })
    }

    fn prepare(
        &self,
        id: &str,
        component: &manifest::Component,
        code: &wasmtime::component::Component,
    ) -> Result<Component> {
        let mut variables = HashMap::new();
        for (name, template) in &component.variables {
            crate::variables::check_name(name).map_err(anyhow::Error::msg)?;
            let value = self.variables.render(template).with_context(|| format!("variable `{name}`"))?;
            variables.insert(name.clone(), value);
        }
        Ok(Component {
            id: id.to_owned(),
            code: self.link(code)?,
            variables,
            environment: component.environment.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            files: files::collect(self.root, &component.files, &component.exclude_files)?,
            allowed_hosts: Arc::new(self.allowed_hosts(id, &component.allowed_outbound_hosts)?),
            key_value_stores: component.key_value_stores.iter().cloned().collect(),
            sqlite_databases: component.sqlite_databases.iter().cloned().collect(),
            storage: self.storage.clone(),
            postgres: postgres::Pools::default(),
            quiet: self.quiet,
        })
    }

    fn allowed_hosts(&self, id: &str, entries: &[String]) -> Result<AllowedHosts> {
        let mut rendered = Vec::new();
        for entry in entries {
            let text = self.variables.render(entry).context("allowed_outbound_hosts")?;
            rendered.push((text, !Template::parse(entry)?.is_literal()));
        }
        let ids: Vec<&str> = self.manifest.components.keys().map(String::as_str).collect();
        let rendered = rendered.iter().map(|(text, is_template)| (text.as_str(), *is_template));
        Ok(AllowedHosts::parse(id, rendered, &ids)?)
    }

    /// Links `code`; the error of Wasmtime names the interface this host does not have.
    fn link(&self, code: &wasmtime::component::Component) -> Result<InstancePre<Guest>> {
        self.linker
            .instantiate_pre(code)
            .map_err(anyhow::Error::from)
            .context("it needs an interface this host does not have; run it with spin")
    }
}

fn compile(engine: &Engine, path: &Path) -> Result<wasmtime::component::Component> {
    let bytes =
        std::fs::read(path).with_context(|| format!("cannot read {}; build the components first", path.display()))?;
    wasmtime::component::Component::from_binary(engine, &bytes)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("{} is not a component this host can run", path.display()))
}
