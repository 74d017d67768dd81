//! Which trigger answers a path: Spin's patterns (`/exact`, `/prefix/...`, `/:segment/x`), the most specific first.
//!
//! Matching is done by the crate Spin uses, so that no path goes elsewhere here than it does there.

use std::borrow::Cow;

use routefinder::{Captures, RouteSpec, Router};
use thiserror::Error;

/// The paths under this prefix are the host's own.
pub const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// The routes of an application; `T` is what a route leads to.
#[derive(Debug)]
pub struct Routes<T>(Router<Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    target: T,
    /// As written in the manifest.
    raw: String,
    /// With a leading slash and without a trailing one.
    based: String,
}

/// A route that answers some path.
pub struct RouteMatch<'r, 'p, T> {
    entry: &'r Entry<T>,
    captures: Captures<'r, 'p>,
    path: &'p str,
}

/// Why routes cannot be served.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("two [[trigger.http]] have the route {0}; give each its own")]
    Duplicate(String),
    #[error("the route {route} is not one: {reason}")]
    Malformed { route: String, reason: String },
    #[error("the route {0} is under {WELL_KNOWN_PREFIX}, which belongs to the host")]
    Reserved(String),
}

impl<T> Routes<T> {
    /// Takes routes as the manifest writes them.
    ///
    /// # Errors
    /// A pattern that is none, one given twice, or one the host answers itself. (Spin logs the last two and goes on; a
    /// route that can never be reached is a mistake, and here it is reported as one.)
    pub fn build(routes: impl IntoIterator<Item = (String, T)>) -> Result<Self, RouteError> {
        let mut router = Router::new();
        let mut seen = std::collections::HashSet::new();
        for (raw, target) in routes {
            let slashed = if raw.starts_with('/') { raw.clone() } else { format!("/{raw}") };
            let based = slashed.strip_suffix('/').unwrap_or(&slashed).to_owned();
            if !seen.insert(based.clone()) {
                return Err(RouteError::Duplicate(raw));
            }
            if based.starts_with(WELL_KNOWN_PREFIX) {
                return Err(RouteError::Reserved(raw));
            }
            let pattern = match based.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => based.clone(),
            };
            let malformed = |reason: String| RouteError::Malformed { route: raw.clone(), reason };
            let spec = RouteSpec::try_from(pattern.as_str()).map_err(malformed)?;
            let entry = Entry { target, raw: raw.clone(), based };
            router.add(spec, entry).map_err(|error| malformed(error.to_string()))?;
        }
        Ok(Self(router))
    }

    /// The most specific route that matches.
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<RouteMatch<'r, 'p, T>> {
        let found = self.0.best_match(path)?;
        Some(RouteMatch { entry: found.handler(), captures: found.captures(), path })
    }

    /// Every route as written, with its target.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(_, entry)| (entry.raw.as_str(), &entry.target))
    }
}

impl<T> RouteMatch<'_, '_, T> {
    pub fn target(&self) -> &T {
        &self.entry.target
    }

    /// The route as written.
    pub fn raw(&self) -> &str {
        &self.entry.raw
    }

    /// The route as written, without `/...`.
    pub fn raw_or_prefix(&self) -> &str {
        self.entry.raw.strip_suffix("/...").unwrap_or(&self.entry.raw)
    }

    /// The route in the form it is matched in.
    pub fn based(&self) -> &str {
        &self.entry.based
    }

    /// What `/...` stands for in this path, with its slashes: `/foo/...` leaves `/bar/` of `/foo/bar/`.
    pub fn trailing(&self) -> Cow<'_, str> {
        let Some(rest) = self.captures.wildcard() else {
            return Cow::Borrowed("");
        };
        // The matcher drops a trailing slash; Spin hands it on.
        match (rest.is_empty(), self.path.ends_with('/')) {
            (true, false) => Cow::Borrowed(""),
            (true, true) => Cow::Borrowed("/"),
            (false, false) => Cow::Owned(format!("/{rest}")),
            (false, true) => Cow::Owned(format!("/{rest}/")),
        }
    }

    /// What `:name` segments stand for in this path.
    pub fn segments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.captures.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&'static str]) -> Result<Routes<&'static str>, RouteError> {
        Routes::build(patterns.iter().map(|p| ((*p).to_owned(), *p)))
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&["/...", "/a/...", "/a/b", "/a/b/...", "/u/:id", "/u/me"]).unwrap();
        for (path, expected) in [
            ("/", "/..."),
            ("/x/y", "/..."),
            ("/a", "/a/..."),
            ("/a/c", "/a/..."),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b"),
            ("/a/b/c", "/a/b/..."),
            ("/u/42", "/u/:id"),
            ("/u/me", "/u/me"),
        ] {
            assert_eq!(routes.find(path).map(|m| *m.target()), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_path_no_route_matches_is_nobodys() {
        let routes = routes(&["/a", "/b/..."]).unwrap();
        assert!(routes.find("/a/b").is_none());
        assert!(routes.find("/").is_none());
        assert!(routes.find("/B/x").is_none());
    }

    #[test]
    fn the_trailing_part_keeps_its_slashes() {
        let routes = routes(&["/foo/..."]).unwrap();
        for (path, rest) in [("/foo", ""), ("/foo/", "/"), ("/foo/bar", "/bar"), ("/foo/bar/", "/bar/")] {
            let found = routes.find(path).unwrap();
            assert_eq!(found.trailing(), rest, "{path}");
            assert_eq!((found.raw(), found.raw_or_prefix(), found.based()), ("/foo/...", "/foo", "/foo/..."));
        }
    }

    #[test]
    fn segments_are_captured_by_name() {
        let routes = routes(&["/u/:id/..."]).unwrap();
        let found = routes.find("/u/42/x").unwrap();
        assert_eq!(found.segments().collect::<Vec<_>>(), [("id", "42")]);
        assert_eq!(found.trailing(), "/x");
    }

    #[test]
    fn a_route_given_twice_is_refused_however_it_is_written() {
        assert_eq!(routes(&["/a", "/a"]).unwrap_err(), RouteError::Duplicate("/a".into()));
        assert_eq!(routes(&["/a", "a/"]).unwrap_err(), RouteError::Duplicate("a/".into()));
    }

    #[test]
    fn the_hosts_own_paths_cannot_be_taken() {
        assert!(matches!(routes(&["/.well-known/spin/health"]), Err(RouteError::Reserved(_))));
    }
}
