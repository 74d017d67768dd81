//! Interfaces of Spin and WASI that this host does not have.
//!
//! Components in some languages import every interface of Spin and call few of them. Such an import
//! exists here, and traps when it is called.

use anyhow::Result;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, Error};

/// Beginnings of the interfaces of Spin.
const ABSENT: [&str; 10] = [
    "fermyon:spin/key-value@",
    "fermyon:spin/llm@",
    "fermyon:spin/mqtt@",
    "fermyon:spin/mysql@",
    "fermyon:spin/postgres@",
    "fermyon:spin/rdbms-types@",
    "fermyon:spin/sqlite@",
    "spin:mqtt/",
    "spin:mysql/",
    "spin:postgres/postgres@3.",
];

/// A resource of such an interface. None is ever created.
struct Absent;

/// Defines the imports of `component` that this host does not have. Returns the names of those that
/// are not drafts, which few components call.
///
/// # Errors
/// An import that is defined already.
pub fn define_traps<T: 'static>(
    linker: &mut Linker<T>,
    component: &Component,
) -> Result<Vec<String>> {
    let engine = component.engine();
    let component_type = component.component_type();
    let mut defined = Vec::new();
    for (name, import) in component_type.imports(engine) {
        if let ComponentItem::ComponentInstance(instance) = import.ty
            && is_absent(name)
        {
            define_instance(&mut linker.instance(name)?, name, &instance, engine)?;
            if !is_draft(name) {
                defined.push(name.to_owned());
            }
        }
    }
    Ok(defined)
}

/// Returns true for an interface that this host does not have.
fn is_absent(name: &str) -> bool {
    is_draft(name) || ABSENT.iter().any(|start| name.starts_with(start))
}

/// Returns true for a draft of WASI.
fn is_draft(name: &str) -> bool {
    name.split_once('@')
        .is_some_and(|(path, version)| path.starts_with("wasi:") && version.contains('-'))
}

fn define_instance<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    interface: &str,
    instance: &ComponentInstance,
    engine: &Engine,
) -> Result<()> {
    for (name, export) in instance.exports(engine) {
        let problem = format!(
            "this host does not have {interface}, so `{name}` cannot be called; run it with spin"
        );

        match export.ty {
            ComponentItem::ComponentFunc(function) if function.async_() => {
                linker.func_new_concurrent(name, move |_, _, _, _| {
                    let problem = problem.clone();
                    Box::pin(async move { Err(Error::msg(problem)) })
                })?;
            }
            ComponentItem::ComponentFunc(_) => {
                linker.func_new(name, move |_, _, _, _| Err(Error::msg(problem.clone())))?;
            }
            ComponentItem::Resource(_) => {
                linker.resource(name, ResourceType::host::<Absent>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }

    Ok(())
}
