//! Compiled code that is kept between starts: files that only this user can write, each with a keyed
//! hash beside it.
//!
//! The host maps these files and runs them without a sandbox, so it must never use one that somebody
//! else has written or changed.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::log;

/// How long code is kept that no start has used.
const MAX_UNUSED: Duration = Duration::from_hours(30 * 24);

/// The file of the key, and the key's length.
const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;

/// The directory of compiled code.
pub struct CodeCache {
    directory: PathBuf,
    key: hmac::Key,
}

impl CodeCache {
    /// Opens the directory; creates it for this user alone if it is absent.
    ///
    /// # Errors
    /// The directory cannot be used, or somebody else can write to it.
    pub fn new(directory: PathBuf) -> Result<Self> {
        let cannot_use = || format!("cannot use {}", directory.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .with_context(cannot_use)?;
        let metadata = directory.metadata().with_context(cannot_use)?;
        check_writers(&directory, &metadata)?;

        remove_unused(&directory);

        let key = read_or_create_key(&directory).with_context(cannot_use)?;
        Ok(Self {
            directory,
            key: hmac::Key::new(HMAC_SHA256, &key),
        })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns true if this host has written the file and nobody has changed it since. Marks the
    /// file as used.
    pub fn is_intact(&self, path: &Path) -> bool {
        let Ok(content) = std::fs::read(path) else {
            return false;
        };

        let hash = std::fs::read(hash_path(path)).unwrap_or_default();
        if hmac::verify(&self.key, &signed_bytes(path, &content), &hash).is_err() {
            log::error(format_args!(
                "{} is not the file that this host wrote: compiling it again",
                path.display()
            ));
            return false;
        }

        // A file whose time cannot be set is only removed too early.
        let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        true
    }

    /// Stores `content` and its hash. A reader that finds the file finds it complete, with its hash.
    ///
    /// # Errors
    /// The file cannot be written, for example because the disk is full.
    pub fn store(&self, path: &Path, content: &[u8]) -> Result<()> {
        let hash = hmac::sign(&self.key, &signed_bytes(path, content));
        self.write(&hash_path(path), hash.as_ref())?;
        self.write(path, content)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        let mut new = NamedTempFile::new_in(&self.directory)?;
        new.write_all(content)?;
        new.as_file().sync_all()?;
        new.persist(path)?;
        Ok(())
    }
}

/// Returns the bytes that are signed. The name is part of them, so a renamed file is rejected.
fn signed_bytes(path: &Path, content: &[u8]) -> Vec<u8> {
    let name = path
        .file_name()
        .map_or(&[][..], |name| name.as_encoded_bytes());
    [name, b"\0", content].concat()
}

fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("hmac")
}

/// Checks that only this user and root can write to `path`.
fn check_writers(path: &Path, metadata: &Metadata) -> Result<()> {
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me && metadata.uid() != 0 {
        bail!(
            "{} belongs to another user (id {}): remove it, or choose another directory with --state-dir",
            path.display(),
            metadata.uid()
        );
    }

    if metadata.mode() & 0o022 != 0 {
        bail!(
            "others may write to {}, and its files are executed: run `chmod go-w` on it, or remove it",
            path.display()
        );
    }

    Ok(())
}

/// Reads the key of this directory. The first host that uses the directory creates it.
fn read_or_create_key(directory: &Path) -> Result<[u8; KEY_BYTES]> {
    let path = directory.join(KEY_FILE);
    if !path.exists() {
        create_key(directory, &path)?;
    }

    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)?;
    let metadata = file.metadata()?;
    check_writers(&path, &metadata)?;
    if metadata.mode() & 0o077 != 0 {
        bail!("others may read {}: remove it", path.display());
    }

    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key)
        .with_context(|| format!("{} is damaged: remove it", path.display()))?;
    Ok(key)
}

fn create_key(directory: &Path, path: &Path) -> Result<()> {
    let mut key = [0; KEY_BYTES];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| anyhow::anyhow!("the system provides no random numbers"))?;

    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(&key)?;
    new.as_file().sync_all()?;

    match new.persist_noclobber(path) {
        // Another host was faster. Its key counts.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

fn remove_unused(directory: &Path) {
    let now = SystemTime::now();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_code = |extension| extension == "cwasm" || extension == "wasm";
        if !path.extension().is_some_and(is_code) {
            continue;
        }

        let modified = entry.metadata().and_then(|file| file.modified());
        let unused = modified.ok().and_then(|at| now.duration_since(at).ok());
        if unused.is_some_and(|unused| unused > MAX_UNUSED) {
            // The next start tries again.
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_file(hash_path(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("state/cache");
        (parent, directory)
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn stored_code_is_found_by_the_next_start() {
        let (_parent, directory) = directory();
        let path = directory.join("a.cwasm");
        let first = CodeCache::new(directory.clone()).unwrap();
        first.store(&path, b"code").unwrap();

        let next = CodeCache::new(directory).unwrap();

        assert!(next.is_intact(&path));
    }

    #[test]
    fn only_the_user_can_read_the_directory_and_its_key() {
        let (_parent, directory) = directory();

        CodeCache::new(directory.clone()).unwrap();

        for path in [&directory, &directory.join(KEY_FILE)] {
            let mode = path.metadata().unwrap().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
    }

    #[test]
    fn a_renamed_file_is_rejected() {
        let (_parent, directory) = directory();
        let original = directory.join("1.cwasm");
        let renamed = directory.join("2.cwasm");
        let cache = CodeCache::new(directory.clone()).unwrap();
        cache.store(&original, b"code").unwrap();

        std::fs::copy(&original, &renamed).unwrap();
        std::fs::copy(hash_path(&original), hash_path(&renamed)).unwrap();

        assert!(cache.is_intact(&original));
        assert!(!cache.is_intact(&renamed));
    }

    #[test]
    fn a_changed_file_is_rejected() {
        let (_parent, directory) = directory();
        let path = directory.join("1.cwasm");
        let cache = CodeCache::new(directory.clone()).unwrap();
        cache.store(&path, b"code").unwrap();

        std::fs::write(&path, b"codE").unwrap();

        assert!(!cache.is_intact(&path));
    }

    #[test]
    fn a_file_without_a_hash_is_rejected() {
        let (_parent, directory) = directory();
        let path = directory.join("1.cwasm");
        let cache = CodeCache::new(directory.clone()).unwrap();
        cache.store(&path, b"code").unwrap();

        std::fs::remove_file(hash_path(&path)).unwrap();

        assert!(!cache.is_intact(&path));
    }

    #[test]
    fn a_file_signed_with_another_key_is_rejected() {
        let (_parent, directory) = directory();
        let path = directory.join("1.cwasm");
        let cache = CodeCache::new(directory.clone()).unwrap();
        cache.store(&path, b"code").unwrap();

        std::fs::remove_file(directory.join(KEY_FILE)).unwrap();
        let next = CodeCache::new(directory).unwrap();

        assert!(!next.is_intact(&path));
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let (_parent, directory) = directory();
        CodeCache::new(directory.clone()).unwrap();

        for mode in [0o770, 0o702, 0o1777] {
            set_mode(&directory, mode);
            let refusal = CodeCache::new(directory.clone()).err().unwrap();
            assert!(
                refusal.to_string().contains("others may write"),
                "{mode:o}: {refusal}"
            );
        }

        set_mode(&directory, 0o755);
        assert!(CodeCache::new(directory).is_ok());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_parent, directory) = directory();
        CodeCache::new(directory.clone()).unwrap();

        set_mode(&directory.join(KEY_FILE), 0o640);

        assert!(CodeCache::new(directory).is_err());
    }
}
