//! A component: its code, and everything the manifest grants it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::runtime::Handle;
use wasmtime::component::InstancePre;

use crate::allowed_hosts::AllowedHosts;
use crate::code::{Code, Compiler};
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
    pub code: Arc<Code>,
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

impl Component {
    /// Its code, for a request that waits for it.
    ///
    /// # Errors
    /// See [`Code::get`].
    pub async fn code(&self) -> Result<&InstancePre<Guest>> {
        self.code.get().await.with_context(|| format!("component `{}`", self.id))
    }

    /// Its code, before there is a request for it.
    ///
    /// # Errors
    /// See [`Code::get`].
    pub async fn code_ahead(&self) -> Result<&InstancePre<Guest>> {
        self.code.get_ahead().await.with_context(|| format!("component `{}`", self.id))
    }
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
    pub compiler: Arc<Compiler>,
    pub quiet: bool,
}

impl Loader<'_> {
    /// Loads every component some trigger names; code that several share is there once. The runtime this is called on serves
    /// their connections to PostgreSQL.
    ///
    /// # Errors
    /// A file that is missing or no component, a bad host entry or template, and, where it was compiled before, an
    /// interface this host does not have.
    pub fn load(&self, used: &HashSet<&str>) -> Result<HashMap<String, Arc<Component>>> {
        let mut codes: HashMap<&str, Arc<Code>> = HashMap::new();
        let mut loaded = HashMap::new();
        for (id, component) in self.manifest.components.iter().filter(|(id, _)| used.contains(id.as_str())) {
            let place = || format!("component `{id}`");
            let code = match codes.entry(component.source()) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => {
                    let code = Code::new(&self.compiler, self.root.join(component.source())).with_context(place)?;
                    new.insert(Arc::new(code)).clone()
                }
            };
            let component = self.prepare(id, component, code).with_context(place)?;
            loaded.insert(id.clone(), Arc::new(component));
        }
        Ok(loaded)
    }

    fn prepare(&self, id: &str, component: &manifest::Component, code: Arc<Code>) -> Result<Component> {
        let mut variables = HashMap::new();
        for (name, template) in &component.variables {
            crate::variables::check_name(name).map_err(anyhow::Error::msg)?;
            let value = self.variables.render(template).with_context(|| format!("variable `{name}`"))?;
            variables.insert(name.clone(), value);
        }
        Ok(Component {
            id: id.to_owned(),
            code,
            variables,
            environment: component.environment.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            files: files::collect(self.root, &component.files, &component.exclude_files)?,
            allowed_hosts: Arc::new(self.allowed_hosts(id, &component.allowed_outbound_hosts)?),
            key_value_stores: component.key_value_stores.iter().cloned().collect(),
            sqlite_databases: component.sqlite_databases.iter().cloned().collect(),
            storage: self.storage.clone(),
            postgres: postgres::Pools::new(Handle::current()),
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
}
