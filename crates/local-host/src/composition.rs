//! Components with dependencies, composed into one component, with the crate and the rules of Spin
//! (its `spin-compose`).
//!
//! A composed component is kept beside the compiled code, named by all its parts: composing a large
//! one takes seconds.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::manifest::Dependency;

/// Interfaces that Spin denies a dependency that inherits nothing, by their beginnings.
const CONFIGURED: [&str; 9] = [
    "fermyon:spin/",
    "spin:",
    "wasi:cli/environment",
    "wasi:config/",
    "wasi:filesystem/preopens",
    "wasi:http/client",
    "wasi:http/outgoing-handler",
    "wasi:keyvalue/",
    "wasi:sockets/",
];

/// Returns the file of a component that is composed with its dependencies. It is in `directory`, and
/// written unless it is there.
///
/// # Errors
/// A file that cannot be read, and those of composing.
pub fn compose_file(
    root: &Path,
    source: &Path,
    dependencies: &[Dependency],
    directory: &Path,
) -> Result<PathBuf> {
    let component = read(source)?;
    let mut wasm = Vec::new();
    for dependency in dependencies {
        wasm.push(read(&root.join(&dependency.source))?);
    }

    let parts: Vec<Part<'_>> = dependencies
        .iter()
        .zip(&wasm)
        .map(|(dependency, wasm)| Part { dependency, wasm })
        .collect();
    let path = directory.join(name(&component, &parts));
    if let Ok(file) = std::fs::File::options().append(true).open(&path) {
        // A file whose time cannot be set is only removed too early.
        let _ = file.set_modified(SystemTime::now());
        return Ok(path);
    }

    let composed = compose(component, &parts)?;
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(&composed)?;
    new.persist(&path)?;
    Ok(path)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .with_context(|| format!("cannot read {}; build the components first", path.display()))
}

/// A dependency and its code.
struct Part<'a> {
    dependency: &'a Dependency,
    wasm: &'a [u8],
}

/// Returns the name of the composed file.
fn name(component: &[u8], parts: &[Part<'_>]) -> String {
    let mut hasher = Sha256::new_with_prefix(component);
    for Part { dependency, wasm } in parts {
        hasher.update(format!(
            "\0{}\0{:?}\0{}\0",
            dependency.name, dependency.export, dependency.inherits
        ));
        hasher.update(Sha256::digest(wasm));
    }

    let mut name = String::new();
    for byte in hasher.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ".wasm"
}

/// Composes a component with its dependencies.
///
/// # Errors
/// A dependency that matches no import, or not its type, or one that must be denied something; two
/// dependencies for one import.
fn compose(component: Vec<u8>, parts: &[Part<'_>]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let (world, instance) = add(&mut graph, "component", component)?;

    let mut satisfied: Vec<String> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let place = || format!("dependency `{}`", part.dependency.name);
        let provider = add(
            &mut graph,
            &format!("dependency-{number}"),
            part.wasm.to_vec(),
        );
        let provider = provider.with_context(place)?;
        check_denied(&graph, provider.0, part.dependency).with_context(place)?;

        for import in matching_imports(&graph, world, &part.dependency.name).with_context(place)? {
            if satisfied.contains(&import) {
                bail!("two dependencies provide the import `{import}`");
            }
            let export = part.dependency.export.as_ref().unwrap_or(&import);
            let alias = alias(&mut graph, provider, export, world, &import);
            graph.set_instantiation_argument(instance, &import, alias.with_context(place)?)?;
            satisfied.push(import);
        }
    }

    export_all(&mut graph, world, instance)?;
    // The compiler validates it.
    let options = EncodeOptions {
        validate: false,
        ..EncodeOptions::default()
    };
    graph.encode(options).context("cannot compose")
}

fn add(graph: &mut CompositionGraph, name: &str, wasm: Vec<u8>) -> Result<(WorldId, NodeId)> {
    let package = Package::from_bytes(name, None, wasm, graph.types_mut())
        .context("is not a component this host can compose")?;
    let world = package.ty();
    let package = graph.register_package(package)?;
    Ok((world, graph.instantiate(package)))
}

/// Spin puts an adapter between a dependency and the interfaces that it does not inherit. This host
/// has none.
fn check_denied(graph: &CompositionGraph, world: WorldId, dependency: &Dependency) -> Result<()> {
    if dependency.inherits {
        return Ok(());
    }

    let is_configured = |import: &&String| CONFIGURED.iter().any(|start| import.starts_with(start));
    match graph.types()[world].imports.keys().find(is_configured) {
        Some(import) => Err(anyhow!(
            "it inherits nothing but imports `{import}`, which this host cannot deny it; set \
             dependencies_inherit_configuration = true, or run it with spin"
        )),
        None => Ok(()),
    }
}

fn matching_imports(
    graph: &CompositionGraph,
    world: WorldId,
    dependency: &str,
) -> Result<Vec<String>> {
    let imports: Vec<&String> = graph.types()[world].imports.keys().collect();
    let matching: Vec<String> = imports
        .iter()
        .filter(|import| matches_import(dependency, import))
        .map(|import| (*import).clone())
        .collect();

    if matching.is_empty() {
        bail!("matches none of the component's imports: {imports:?}");
    }
    Ok(matching)
}

/// Returns true if the name of a dependency means this import: without an interface it means all of
/// the package, without a version every version.
fn matches_import(dependency: &str, import: &str) -> bool {
    let (path, version) = split_version(dependency);
    let (import_path, import_version) = split_version(import);

    let names_package = path.contains(':') && !path.contains('/');
    let is_path = if names_package {
        import_path.split('/').next() == Some(path)
    } else {
        import_path == path
    };
    is_path && (version.is_none() || version == import_version)
}

fn split_version(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (name, None),
    }
}

/// Returns the export that satisfies an import.
fn alias(
    graph: &mut CompositionGraph,
    (provider, instance): (WorldId, NodeId),
    export: &str,
    world: WorldId,
    import: &str,
) -> Result<NodeId> {
    let types = graph.types();
    let exported = *types[provider]
        .exports
        .get(export)
        .ok_or_else(|| anyhow!("does not export `{export}`"))?;
    let imported = *types[world]
        .imports
        .get(import)
        .ok_or_else(|| anyhow!("there is no import `{import}`"))?;

    let mut cache = Default::default();
    SubtypeChecker::new(&mut cache)
        .is_subtype(exported, types, imported, types)
        .with_context(|| {
            format!("exports `{export}` with other types than the component imports")
        })?;
    Ok(graph.alias_instance_export(instance, export)?)
}

fn export_all(graph: &mut CompositionGraph, world: WorldId, instance: NodeId) -> Result<()> {
    let exports: Vec<String> = graph.types()[world].exports.keys().cloned().collect();
    for export in exports {
        let alias = graph.alias_instance_export(instance, &export)?;
        graph.export(alias, &export)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
