//! `files` of a component: copies of the named files in a directory of their own, which the
//! component sees read-only as `/`. They are copies, as in Spin, so that a component does not see
//! edits made while the host runs.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::manifest::FileMount;

/// Copies the files of `mounts` except those that an `excluded` pattern matches. Paths are relative
/// to `root`.
///
/// # Errors
/// A name that is neither a file nor a pattern, a file outside `root`, or one that cannot be copied.
pub fn copy_mounts(
    root: &Path,
    mounts: &[FileMount],
    excluded: &[String],
) -> Result<Option<TempDir>> {
    if mounts.is_empty() {
        return Ok(None);
    }

    let excluded = excluded
        .iter()
        .map(|pattern| parse_excluded(pattern))
        .collect::<Result<Vec<_>>>()?;
    let target = tempfile::Builder::new()
        .prefix("local-host-files-")
        .tempdir()
        .context("cannot create a directory for files")?;
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot use {}", root.display()))?;

    for mount in mounts {
        for copy in copies(&root, mount)? {
            let name = relative(&copy.source, &root)?;
            if !excluded.iter().any(|pattern| pattern.matches_path(&name)) {
                copy.run(target.path())?;
            }
        }
    }
    Ok(Some(target))
}

fn parse_excluded(pattern: &str) -> Result<glob::Pattern> {
    glob::Pattern::new(pattern).with_context(|| format!("exclude_files pattern `{pattern}`"))
}

/// A file and its path below the target directory.
struct FileCopy {
    source: PathBuf,
    destination: PathBuf,
}

fn copies(root: &Path, mount: &FileMount) -> Result<Vec<FileCopy>> {
    match mount {
        FileMount::Pattern(pattern) => copies_by_pattern(root, pattern),
        FileMount::Placement {
            source,
            destination,
        } => copies_by_placement(root, source, destination),
    }
}

/// `"images/*.png"` or `"one.txt"`: each file keeps its path.
fn copies_by_pattern(root: &Path, pattern: &str) -> Result<Vec<FileCopy>> {
    let path = root.join(pattern);
    if path.is_dir() {
        bail!(
            "files: `{pattern}` is a directory; write {{ source = \"{pattern}\", destination = \"/{pattern}\" }}"
        );
    }
    if path.is_file() {
        return Ok(vec![FileCopy {
            source: path,
            destination: pattern.into(),
        }]);
    }
    if glob::Pattern::escape(pattern) == pattern {
        bail!("files: `{pattern}` does not exist and is not a pattern");
    }

    let mut copies = Vec::new();
    for source in matching(&path)? {
        let destination = relative(&source, root)?;
        copies.push(FileCopy {
            source,
            destination,
        });
    }
    Ok(copies)
}

/// `{ source = "assets", destination = "/" }`: a directory or a single file.
fn copies_by_placement(root: &Path, source: &str, destination: &str) -> Result<Vec<FileCopy>> {
    let path = root.join(source);
    let destination = PathBuf::from(destination.trim_start_matches('/'));
    if path.is_file() {
        return Ok(vec![FileCopy {
            source: path,
            destination,
        }]);
    }
    if !path.is_dir() {
        bail!("files: the source `{source}` does not exist");
    }

    let mut copies = Vec::new();
    for source in matching(&path.join("**/*"))? {
        let destination = destination.join(relative(&source, &path)?);
        copies.push(FileCopy {
            source,
            destination,
        });
    }
    Ok(copies)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let pattern = pattern
        .to_str()
        .context("files: a path is not valid UTF-8")?;
    let found = glob::glob(pattern).with_context(|| format!("files: the pattern `{pattern}`"))?;
    let paths = found.collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

fn relative(file: &Path, base: &Path) -> Result<PathBuf> {
    match file.strip_prefix(base) {
        Ok(path) => Ok(path.to_owned()),
        Err(error) => Err(error)
            .with_context(|| format!("files: {} is outside the application", file.display())),
    }
}

impl FileCopy {
    fn run(&self, target: &Path) -> Result<()> {
        let is_inside = self
            .destination
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || self.destination.as_os_str().is_empty() {
            bail!(
                "files: `{}` cannot be the path of a file",
                self.destination.display()
            );
        }

        let path = target.join(&self.destination);
        let cannot_copy = || format!("files: cannot copy {}", self.source.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(cannot_copy)?;
        }
        std::fs::copy(&self.source, &path).with_context(cannot_copy)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.txt", "img/x.png", "img/deep/y.png", "img/z.txt"] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        dir
    }

    fn collected(mounts: &str, excluded: &[&str]) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Files {
            files: Vec<FileMount>,
        }

        let app = application();
        let mounts: Files = toml::from_str(&format!("files = {mounts}"))?;
        let excluded: Vec<_> = excluded
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        let dir = copy_mounts(app.path(), &mounts.files, &excluded)?.unwrap();
        let mut found: Vec<_> = matching(&dir.path().join("**/*"))?
            .iter()
            .map(|f| relative(f, dir.path()).unwrap().display().to_string())
            .collect();
        found.sort();
        Ok(found)
    }

    #[test]
    fn patterns_and_single_files_keep_their_paths() {
        let files = collected("['a.txt', 'img/*.png']", &[]);
        assert_eq!(files.unwrap(), ["a.txt", "img/x.png"]);
    }

    #[test]
    fn excluded_files_are_not_copied() {
        let files = collected("['img/**/*']", &["img/*.txt"]);
        assert_eq!(files.unwrap(), ["img/deep/y.png", "img/x.png"]);
    }

    #[test]
    fn a_directory_or_file_moves_to_its_destination() {
        let files = collected(
            "[{ source = 'img', destination = '/' }, { source = 'a.txt', destination = '/d/b.txt' }]",
            &[],
        );
        assert_eq!(files.unwrap(), ["d/b.txt", "deep/y.png", "x.png", "z.txt"]);
    }

    #[test]
    fn an_invalid_mount_is_refused() {
        for mount in [
            "['none.txt']",
            "['img']",
            "[{ source = 'none', destination = '/' }]",
            "[{ source = 'a.txt', destination = '/' }]",
            "[{ source = 'a.txt', destination = '/../x' }]",
        ] {
            assert!(collected(mount, &[]).is_err(), "{mount}");
        }
    }

    #[test]
    fn no_file_of_the_parent_directory_is_copied() {
        // A parent directory without matches is empty; one with matches is refused.
        let files = collected("['../*']", &[]);
        assert!(files.is_err() || files.is_ok_and(|files| files.is_empty()));
    }
}
