//! The routes of an application: Spin's patterns (`/exact`, `/prefix/...`, `/:segment/x`), of which
//! the most specific match wins.
//!
//! Spin's own crate does the matching, so every path reaches the same component as in Spin.

use std::borrow::Cow;
use std::collections::HashSet;

use routefinder::{Captures, RouteSpec, Router};
use thiserror::Error;

/// The prefix of the paths that the host itself answers.
pub const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// The routes of an application; `T` is the target of a route.
#[derive(Debug)]
pub struct Routes<T>(Router<Registered<T>>);

#[derive(Debug)]
struct Registered<T> {
    target: T,
    /// As written in the manifest.
    raw: String,
    /// With a leading slash and without a trailing one.
    based: String,
}

/// A route that matches a path.
pub struct RouteMatch<'r, 'p, T> {
    route: &'r Registered<T>,
    captures: Captures<'r, 'p>,
    path: &'p str,
}

/// Reason why routes cannot be served.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("two [[trigger.http]] have the route {0}; give each its own")]
    Duplicate(String),
    #[error("the route {route} is invalid: {reason}")]
    Malformed { route: String, reason: String },
    #[error("the route {0} is under {WELL_KNOWN_PREFIX}, which belongs to the host")]
    Reserved(String),
}

impl<T> Routes<T> {
    /// Builds the router from routes as the manifest has them.
    ///
    /// # Errors
    /// An invalid pattern, a duplicate, or a route that the host answers itself. (Spin logs the last
    /// two and continues. A route that can never be reached is a mistake, so this host reports it.)
    pub fn build(routes: impl IntoIterator<Item = (String, T)>) -> Result<Self, RouteError> {
        let mut router = Router::new();
        let mut seen = HashSet::new();
        for (raw, target) in routes {
            let based = based(&raw);
            if !seen.insert(based.clone()) {
                return Err(RouteError::Duplicate(raw));
            }
            if based.starts_with(WELL_KNOWN_PREFIX) {
                return Err(RouteError::Reserved(raw));
            }

            let malformed = |reason: String| RouteError::Malformed {
                route: raw.clone(),
                reason,
            };
            let spec = RouteSpec::try_from(router_pattern(&based).as_str()).map_err(malformed)?;

            let route = Registered {
                target,
                raw: raw.clone(),
                based,
            };
            router
                .add(spec, route)
                .map_err(|error| malformed(error.to_string()))?;
        }
        Ok(Self(router))
    }

    /// Returns the most specific route that matches.
    pub fn find<'r, 'p>(&'r self, path: &'p str) -> Option<RouteMatch<'r, 'p, T>> {
        let found = self.0.best_match(path)?;
        Some(RouteMatch {
            route: found.handler(),
            captures: found.captures(),
            path,
        })
    }

    /// Iterates over all routes as written, with their targets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0
            .iter()
            .map(|(_, route)| (route.raw.as_str(), &route.target))
    }
}

/// Adds a leading slash and removes a trailing one.
fn based(raw: &str) -> String {
    let with_slash = if raw.starts_with('/') {
        raw.to_owned()
    } else {
        format!("/{raw}")
    };
    match with_slash.strip_suffix('/') {
        Some(path) => path.to_owned(),
        None => with_slash,
    }
}

/// Converts `/...` to the wildcard of the router.
fn router_pattern(based: &str) -> String {
    match based.strip_suffix("/...") {
        Some(prefix) => format!("{prefix}/*"),
        None => based.to_owned(),
    }
}

impl<T> RouteMatch<'_, '_, T> {
    pub fn target(&self) -> &T {
        &self.route.target
    }

    /// The route as written.
    pub fn raw(&self) -> &str {
        &self.route.raw
    }

    /// The route as written, without `/...`.
    pub fn raw_or_prefix(&self) -> &str {
        self.route
            .raw
            .strip_suffix("/...")
            .unwrap_or(&self.route.raw)
    }

    /// The route with a leading slash and without a trailing one.
    pub fn based(&self) -> &str {
        &self.route.based
    }

    /// The part of the path that `/...` matches, with its slashes: for `/foo/...`, the path
    /// `/foo/bar/` has `/bar/`.
    pub fn trailing(&self) -> Cow<'_, str> {
        let Some(rest) = self.captures.wildcard() else {
            return Cow::Borrowed("");
        };
        // The router drops a trailing slash. Spin passes it on.
        match (rest.is_empty(), self.path.ends_with('/')) {
            (true, false) => Cow::Borrowed(""),
            (true, true) => Cow::Borrowed("/"),
            (false, false) => Cow::Owned(format!("/{rest}")),
            (false, true) => Cow::Owned(format!("/{rest}/")),
        }
    }

    /// The values of `:name` segments in this path.
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
            assert_eq!(
                routes.find(path).map(|m| *m.target()),
                Some(expected),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_without_a_route_is_not_found() {
        let routes = routes(&["/a", "/b/..."]).unwrap();
        assert!(routes.find("/a/b").is_none());
        assert!(routes.find("/").is_none());
        assert!(routes.find("/B/x").is_none());
    }

    #[test]
    fn the_trailing_part_keeps_its_slashes() {
        let routes = routes(&["/foo/..."]).unwrap();
        for (path, rest) in [
            ("/foo", ""),
            ("/foo/", "/"),
            ("/foo/bar", "/bar"),
            ("/foo/bar/", "/bar/"),
        ] {
            let found = routes.find(path).unwrap();
            assert_eq!(found.trailing(), rest, "{path}");
        }
    }

    #[test]
    fn the_forms_of_a_route_differ_by_its_wildcard() {
        let routes = routes(&["/foo/..."]).unwrap();

        let found = routes.find("/foo/bar").unwrap();

        assert_eq!(found.raw(), "/foo/...");
        assert_eq!(found.raw_or_prefix(), "/foo");
        assert_eq!(found.based(), "/foo/...");
    }

    #[test]
    fn segments_are_captured_by_name() {
        let routes = routes(&["/u/:id/..."]).unwrap();
        let found = routes.find("/u/42/x").unwrap();
        assert_eq!(found.segments().collect::<Vec<_>>(), [("id", "42")]);
        assert_eq!(found.trailing(), "/x");
    }

    #[test]
    fn a_duplicate_is_refused_in_every_spelling() {
        assert_eq!(
            routes(&["/a", "/a"]).unwrap_err(),
            RouteError::Duplicate("/a".into())
        );
        assert_eq!(
            routes(&["/a", "a/"]).unwrap_err(),
            RouteError::Duplicate("a/".into())
        );
    }

    #[test]
    fn the_paths_of_the_host_are_reserved() {
        assert!(matches!(
            routes(&["/.well-known/spin/health"]),
            Err(RouteError::Reserved(_))
        ));
    }
}
