//! `files` of a component: copies of the named files in a directory of their own, which the component sees as `/`,
//! read-only. Copies, as in Spin: what is edited while the host runs does not change under a component.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::manifest::FileMount;

/// Copies what `mounts` name, paths being relative to `root`, and not what `excluded` patterns match.
///
/// # Errors
/// A name that is neither a file nor a pattern, a file outside `root`, or one that cannot be copied.
pub fn collect(root: &Path, mounts: &[FileMount], excluded: &[String]) -> Result<Option<TempDir>> {
    if mounts.is_empty() {
        return Ok(None);
    }
    let excluded = excluded
        .iter()
        .map(|pattern| glob::Pattern::new(pattern).with_context(|| format!("exclude_files pattern `{pattern}`")))
        .collect::<Result<Vec<_>>>()?;
    let to = tempfile::Builder::new().prefix("local-host-files-").tempdir().context("no directory for files")?;
    let root = root.canonicalize().with_context(|| format!("cannot use {}", root.display()))?;
    for mount in mounts {
        let copies = match mount {
            FileMount::Pattern(pattern) => by_pattern(&root, pattern)?,
            FileMount::Placement { source, destination } => by_place(&root, source, destination)?,
        };
        for (from, destination) in copies {
            copy(&root, &from, to.path(), &destination, &excluded)?;
        }
    }
    Ok(Some(to))
}

/// Files with the place each goes to.
type Copies = Vec<(PathBuf, PathBuf)>;

/// `"images/*.png"` or `"one.txt"`: each file keeps its path.
fn by_pattern(root: &Path, pattern: &str) -> Result<Copies> {
    let path = root.join(pattern);
    if path.is_dir() {
        bail!("files: `{pattern}` is a directory; write {{ source = \"{pattern}\", destination = \"/{pattern}\" }}");
    }
    if path.is_file() {
        return Ok(vec![(path, pattern.into())]);
    }
    if glob::Pattern::escape(pattern) == pattern {
        bail!("files: `{pattern}` does not exist and is no pattern");
    }
    matching(&path)?.into_iter().map(|file| Ok((file.clone(), relative(&file, root)?))).collect()
}

/// `{ source = "assets", destination = "/" }`, of a directory or a single file.
fn by_place(root: &Path, source: &str, destination: &str) -> Result<Copies> {
    let from = root.join(source);
    let to = PathBuf::from(destination.trim_start_matches('/'));
    if from.is_dir() {
        let files = matching(&from.join("**/*"))?;
        return files.into_iter().map(|file| Ok((file.clone(), to.join(relative(&file, &from)?)))).collect();
    }
    if !from.is_file() {
        bail!("files: the source `{source}` does not exist");
    }
    Ok(vec![(from, to)])
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let pattern = pattern.to_str().context("files: a path that is not UTF-8")?;
    let found = glob::glob(pattern).with_context(|| format!("files: the pattern `{pattern}`"))?;
    let files = found.collect::<Result<Vec<_>, _>>()?;
    Ok(files.into_iter().filter(|path| path.is_file()).collect())
}

fn relative(file: &Path, base: &Path) -> Result<PathBuf> {
    let path = file.strip_prefix(base);
    path.map(Path::to_owned).with_context(|| format!("files: {} is outside the application", file.display()))
}

fn copy(root: &Path, from: &Path, to: &Path, destination: &Path, excluded: &[glob::Pattern]) -> Result<()> {
    let name = relative(from, root)?;
    if excluded.iter().any(|pattern| pattern.matches_path(&name)) {
        return Ok(());
    }
    let inside = destination.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside || destination.as_os_str().is_empty() {
        bail!("files: `{}` is no place for a file", destination.display());
    }
    let target = to.join(destination);
    let copied = target.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::copy(from, &target));
    copied.map(drop).with_context(|| format!("files: cannot copy {}", from.display()))
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
        let excluded: Vec<_> = excluded.iter().map(|pattern| (*pattern).to_owned()).collect();
        let dir = collect(app.path(), &mounts.files, &excluded)?.unwrap();
        let mut found: Vec<_> = matching(&dir.path().join("**/*"))?
            .iter()
            .map(|f| relative(f, dir.path()).unwrap().display().to_string())
            .collect();
        found.sort();
        Ok(found)
    }

    #[test]
    fn patterns_and_single_files_keep_their_paths() {
        assert_eq!(collected("['a.txt', 'img/*.png']", &[]).unwrap(), ["a.txt", "img/x.png"]);
        assert_eq!(collected("['img/**/*']", &["img/*.txt"]).unwrap(), ["img/deep/y.png", "img/x.png"]);
    }

    #[test]
    fn a_directory_or_file_goes_where_it_is_placed() {
        let files =
            collected("[{ source = 'img', destination = '/' }, { source = 'a.txt', destination = '/d/b.txt' }]", &[]);
        assert_eq!(files.unwrap(), ["d/b.txt", "deep/y.png", "x.png", "z.txt"]);
    }

    #[test]
    fn what_cannot_be_placed_is_refused() {
        for mounts in [
            "['none.txt']",
            "['img']",
            "[{ source = 'none', destination = '/' }]",
            "['../*']",
            "[{ source = 'a.txt', destination = '/' }]",
            "[{ source = 'a.txt', destination = '/../x' }]",
        ] {
            // A parent directory without matches is empty rather than refused; nothing leaves it either way.
            let outcome = collected(mounts, &[]);
            assert!(outcome.is_err() || outcome.is_ok_and(|files| files.is_empty()), "{mounts}");
        }
    }
}
