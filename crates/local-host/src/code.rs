//! The code of components: compiled when it is first needed, and kept in files that the next start
//! maps into memory. Code that nobody runs then takes no memory, and the kernel can evict pages that
//! are not in use.

use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, RwLock};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::code_cache::CodeCache;
use crate::guest::Guest;
use crate::{absent, log};

/// First bytes of a component's file: `\x0d` is the version, `\x01` stands for a component instead
/// of a core module.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// Error text after the path of a file.
const NOT_A_COMPONENT: &str = "is not a component this host can run";

/// Compiles and links the components of an application.
pub struct Compiler {
    linker: Linker<Guest>,
    cache: CodeCache,
    /// Held for reading while the compiler works for a waiting request.
    urgent: RwLock<()>,
}

/// The code of one component.
pub struct Code {
    compiler: Arc<Compiler>,
    source: PathBuf,
    linked: OnceCell<InstancePre<Guest>>,
}

impl Compiler {
    /// Creates a compiler that keeps compiled code in `directory`.
    ///
    /// # Errors
    /// As [`CodeCache::new`].
    pub fn new(linker: Linker<Guest>, directory: PathBuf) -> Result<Self> {
        Ok(Self {
            linker,
            cache: CodeCache::new(directory)?,
            urgent: RwLock::default(),
        })
    }

    /// Returns the directory of compiled code.
    pub fn directory(&self) -> &Path {
        self.cache.directory()
    }

    /// Returns the path of the compiled form of `wasm`, named by everything that determines it.
    fn compiled_path(&self, wasm: &[u8]) -> PathBuf {
        let mut hasher = Sha256Hasher(Sha256::new_with_prefix(wasm));
        self.linker
            .engine()
            .precompile_compatibility_hash()
            .hash(&mut hasher);

        let mut name = String::new();
        for byte in hasher.0.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.cache.directory().join(name).with_extension("cwasm")
    }

    /// Returns the compiled form of `wasm` if an earlier start has kept it and nobody has changed it
    /// since.
    fn cached(&self, wasm: &[u8]) -> Option<Component> {
        let path = self.compiled_path(wasm);
        if !path.exists() || !self.cache.is_intact(&path) {
            return None;
        }
        // SAFETY: this host wrote the file, as its keyed hash proves, into a directory where nobody
        // else can write.
        unsafe { Component::deserialize_file(self.linker.engine(), &path) }.ok()
    }

    fn compile(&self, source: &Path) -> Result<InstancePre<Guest>> {
        let wasm = read(source)?;
        let compiled = self
            .linker
            .engine()
            .precompile_component(&wasm)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("{} {NOT_A_COMPONENT}", source.display()))?;

        let path = self.compiled_path(&wasm);
        if let Err(error) = self.cache.store(&path, &compiled) {
            log::error(format_args!(
                "cannot keep compiled code in {}: {error:#}",
                path.display()
            ));
        }

        let component = match self.cached(&wasm) {
            Some(component) => component,
            // SAFETY: it was compiled above.
            None => unsafe { Component::deserialize(self.linker.engine(), &compiled)? },
        };
        self.link(&component)
    }

    /// Links `component`. The error of Wasmtime names the interface that is missing.
    fn link(&self, component: &Component) -> Result<InstancePre<Guest>> {
        let mut linker = self.linker.clone();
        let absent = absent::define_traps(&mut linker, component)?;
        if !absent.is_empty() {
            log::error(format_args!(
                "this host does not have these interfaces, so calling them will fail: {}",
                absent.join(", ")
            ));
        }

        linker
            .instantiate_pre(component)
            .map_err(anyhow::Error::from)
            .context("it needs an interface this host does not have; run it with spin")
    }
}

impl Code {
    /// Opens the code in the file `source`. Code that was compiled before is ready at once.
    ///
    /// # Errors
    /// A file that is missing or not a component, or code that was compiled before and needs an
    /// interface this host does not have.
    pub fn new(compiler: &Arc<Compiler>, source: PathBuf) -> Result<Self> {
        let wasm = read(&source)?;
        if !wasm.starts_with(PREAMBLE) {
            return Err(anyhow!("{} {NOT_A_COMPONENT}", source.display()));
        }

        let linked = match compiler.cached(&wasm) {
            Some(component) => Some(compiler.link(&component)?),
            None => None,
        };
        Ok(Self {
            compiler: compiler.clone(),
            source,
            linked: OnceCell::new_with(linked),
        })
    }

    pub fn engine(&self) -> &Engine {
        self.compiler.linker.engine()
    }

    /// Returns true if the code is compiled and linked.
    pub fn is_ready(&self) -> bool {
        self.linked.initialized()
    }

    /// Returns the code for a waiting request. Concurrent callers share one compilation.
    ///
    /// # Errors
    /// Code that does not compile, or needs an interface this host does not have.
    pub async fn get(self: &Arc<Self>) -> Result<&InstancePre<Guest>> {
        if !self.is_ready() {
            let code = self.clone();
            // A task of its own outlives a request that goes away. Otherwise that compilation would
            // run for nobody while the next request starts another.
            let compiling = async move {
                let _urgent = code.compiler.urgent.read().await;
                code.linked().await.map(drop)
            };
            tokio::spawn(compiling).await??;
        }

        self.linked().await
    }

    /// Returns the code before a request needs it. Compiles only while no request waits for code.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_ahead(&self) -> Result<&InstancePre<Guest>> {
        if !self.is_ready() {
            drop(self.compiler.urgent.write().await);
        }
        self.linked().await
    }

    async fn linked(&self) -> Result<&InstancePre<Guest>> {
        let compile = async || {
            let compiler = self.compiler.clone();
            let source = self.source.clone();
            tokio::task::spawn_blocking(move || compiler.compile(&source)).await?
        };
        self.linked.get_or_try_init(compile).await
    }
}

fn read(source: &Path) -> Result<Vec<u8>> {
    std::fs::read(source).with_context(|| {
        format!(
            "cannot read {}; build the components first",
            source.display()
        )
    })
}

/// Hashes what Wasmtime exposes only through [`std::hash::Hash`].
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used, because the name needs the whole digest.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::engine;
    use crate::guest::link_interfaces;

    fn compiler(directory: &Path) -> Arc<Compiler> {
        let mut linker = Linker::new(&engine::build(1).unwrap());
        link_interfaces(&mut linker).unwrap();
        Arc::new(Compiler::new(linker, directory.join("cache")).unwrap())
    }

    #[tokio::test]
    async fn a_missing_interface_of_spin_matters_only_when_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("llm.wasm");
        let text = r#"(component
            (import "fermyon:spin/llm@2.0.0" (instance
                (export "model" (type (sub resource)))
                (export "infer" (func)))))"#;
        std::fs::write(&source, wat::parse_str(text).unwrap()).unwrap();

        let code = Arc::new(Code::new(&compiler(directory.path()), source).unwrap());

        code.get().await.unwrap();
    }

    #[tokio::test]
    async fn a_compilation_outlives_the_request_that_started_it() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("empty.wasm");
        std::fs::write(&source, wat::parse_str("(component)").unwrap()).unwrap();
        let compiler = compiler(directory.path());
        let code = Arc::new(Code::new(&compiler, source).unwrap());

        let first = code.get().now_or_never();
        assert!(first.is_none(), "the first request goes away at once");
        let path = compiler.compiled_path(&read(&code.source).unwrap());
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        // Every compilation writes a new file.
        let inode = path.metadata().unwrap().ino();
        code.get().await.unwrap();
        assert_eq!(path.metadata().unwrap().ino(), inode, "compiled once");
    }
}
