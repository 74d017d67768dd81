//! The code of components: compiled when it is first needed, and kept in files that the next start maps into memory. What
//! nobody runs then takes no memory, and the kernel may take back what is not in use.

use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::sync::{OnceCell, RwLock};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::guest::Guest;
use crate::log;

/// How a file of a component begins; `\x0d` is the version, `\x01` says that it is no core module.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// What was compiled is removed once no start has used it for as long.
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

const NO_COMPONENT: &str = "is not a component this host can run";

/// Compiles and links for the components of an application.
pub struct Compiler {
    linker: Linker<Guest>,
    directory: PathBuf,
    /// Held for reading while code is compiled that a request waits for.
    urgent: RwLock<()>,
}

/// The code of one component.
pub struct Code {
    compiler: Arc<Compiler>,
    source: PathBuf,
    linked: OnceCell<InstancePre<Guest>>,
}

impl Compiler {
    /// Compiled code is kept in `directory`.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn new(linker: Linker<Guest>, directory: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot use {}", directory.display()))?;
        remove_unused(&directory);
        Ok(Self { linker, directory, urgent: RwLock::default() })
    }

    /// Where the compiled form of `wasm` is kept: named by all that decides about it.
    fn file(&self, wasm: &[u8]) -> PathBuf {
        let mut hash = Sha(Sha256::new_with_prefix(wasm));
        self.linker.engine().precompile_compatibility_hash().hash(&mut hash);
        let mut name = String::new();
        for byte in hash.0.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.directory.join(name).with_extension("cwasm")
    }

    fn map(&self, file: &Path) -> wasmtime::Result<Component> {
        // SAFETY: the file is this host's own, in its state directory, and came there whole.
        unsafe { Component::deserialize_file(self.linker.engine(), file) }
    }

    /// The compiled form of `wasm`, where an earlier start has kept it.
    fn kept(&self, wasm: &[u8]) -> Option<Component> {
        let file = self.file(wasm);
        let component = self.map(&file).ok()?;
        // Only what decides about its removal: nothing is lost where it cannot be written.
        let _ = std::fs::File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
        Some(component)
    }

    fn compile(&self, source: &Path) -> Result<InstancePre<Guest>> {
        let wasm = read(source)?;
        let compiled = self.linker.engine().precompile_component(&wasm).map_err(anyhow::Error::from);
        let compiled = compiled.with_context(|| format!("{} {NO_COMPONENT}", source.display()))?;
        let file = self.file(&wasm);
        let component = match self.keep(&file, &compiled) {
            Ok(()) => self.map(&file)?,
            Err(error) => {
                log::problem(format_args!("cannot keep compiled code in {}: {error:#}", file.display()));
                // SAFETY: it was compiled above.
                unsafe { Component::deserialize(self.linker.engine(), &compiled)? }
            }
        };
        self.link(&component)
    }

    /// Whoever finds the file finds all of it.
    fn keep(&self, file: &Path, compiled: &[u8]) -> Result<()> {
        let mut new = NamedTempFile::new_in(&self.directory)?;
        new.write_all(compiled)?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    }

    /// Links `component`; the error of Wasmtime names the interface this host does not have.
    fn link(&self, component: &Component) -> Result<InstancePre<Guest>> {
        self.linker
            .instantiate_pre(component)
            .map_err(anyhow::Error::from)
            .context("it needs an interface this host does not have; run it with spin")
    }
}

impl Code {
    /// The code in the file `source`; it is ready where it was compiled before.
    ///
    /// # Errors
    /// A file that is missing or no component, or code known to need what this host does not have.
    pub fn new(compiler: &Arc<Compiler>, source: PathBuf) -> Result<Self> {
        let wasm = read(&source)?;
        if !wasm.starts_with(PREAMBLE) {
            return Err(anyhow!("{} {NO_COMPONENT}", source.display()));
        }
        let linked = compiler.kept(&wasm).map(|component| compiler.link(&component)).transpose()?;
        Ok(Self { compiler: compiler.clone(), source, linked: OnceCell::new_with(linked) })
    }

    pub fn engine(&self) -> &Engine {
        self.compiler.linker.engine()
    }

    /// Whether there is nothing left to do.
    pub fn is_ready(&self) -> bool {
        self.linked.initialized()
    }

    /// The code, for a request that waits for it. Who else asks meanwhile waits for the same.
    ///
    /// # Errors
    /// What does not compile, or needs an interface this host does not have.
    pub async fn get(self: &Arc<Self>) -> Result<&InstancePre<Guest>> {
        if !self.is_ready() {
            let code = self.clone();
            // A task of its own: it goes on when the request goes away, which would else leave the compiler to work for nobody
            // while the next request starts another.
            let compiling = async move {
                let _urgent = code.compiler.urgent.read().await;
                code.linked().await.map(drop)
            };
            tokio::spawn(compiling).await??;
        }
        self.linked().await
    }

    /// The same for nobody in particular: begins when no request waits for code.
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
            let (compiler, source) = (self.compiler.clone(), self.source.clone());
            tokio::task::spawn_blocking(move || compiler.compile(&source)).await?
        };
        self.linked.get_or_try_init(compile).await
    }
}

fn read(source: &Path) -> Result<Vec<u8>> {
    std::fs::read(source).with_context(|| format!("cannot read {}; build the components first", source.display()))
}

/// Wasmtime says what decides about compiled code as something that can be hashed.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Never asked for: the name needs all of it.
    fn finish(&self) -> u64 {
        0
    }
}

fn remove_unused(directory: &Path) {
    let now = SystemTime::now();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let unused = entry.metadata().and_then(|file| file.modified()).ok().and_then(|at| now.duration_since(at).ok());
        let ours = entry.path().extension().is_some_and(|extension| extension == "cwasm");
        if ours && unused.is_some_and(|unused| unused > KEPT_FOR) {
            // What cannot be removed now is tried again at the next start.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::{engine, interfaces};

    #[tokio::test]
    async fn what_was_begun_for_a_request_that_went_away_is_there_for_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("empty.wasm");
        std::fs::write(&source, wat::parse_str("(component)").unwrap()).unwrap();
        let mut linker = Linker::new(&engine::build(1).unwrap());
        interfaces::link(&mut linker).unwrap();
        let compiler = Arc::new(Compiler::new(linker, directory.path().join("cache")).unwrap());
        let code = Arc::new(Code::new(&compiler, source).unwrap());
        assert!(code.get().now_or_never().is_none(), "the first to ask leaves at once");
        let file = compiler.file(&read(&code.source).unwrap());
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Whatever is compiled comes into the directory as a file of its own.
        let compiled = file.metadata().unwrap().ino();
        code.get().await.unwrap();
        assert_eq!(file.metadata().unwrap().ino(), compiled, "compiled once");
    }
}
