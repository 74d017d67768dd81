//! Deprecated paths of older systems, as the configuration file lists them. Each clears the keys of a
//! pattern, under the same rules and roles as `/api/cache/clear`.

use std::cell::OnceCell;
use std::time::{SystemTime, UNIX_EPOCH};

use edge_cache::Pattern;
use edge_cache_admin::Role;
use edge_cache_admin::configuration::{Configuration, DeprecatedRoute, DeprecatedRoutes};
use edge_cache_admin::input::FileError;

use crate::configuration;
use crate::http::route::{Method, Route};

/// The method of a path for which the file names none.
const DEFAULT_METHOD: &str = "POST";
/// The `link` header: the route that replaces the path (RFC 8288).
const SUCCESSOR_LINK: &str = "</api/cache/clear>; rel=\"successor-version\"";

/// A header of every response of a deprecated path.
type Header = (&'static str, &'static str);

/// A deprecated path and the pattern it clears.
#[derive(Debug)]
pub struct Alias {
    path: &'static str,
    /// The pattern it clears.
    pub pattern: Pattern,
    methods: Vec<Method>,
    headers: &'static [Header],
}

impl Alias {
    /// Its methods, and the headers of its responses.
    pub fn route(&self) -> Route<'_> {
        Route::new(&self.methods).with_headers(self.headers)
    }

    fn new(route: &'static DeprecatedRoute, headers: &'static [Header]) -> Self {
        // A GET that clears keys must not be run by a HEAD.
        let method = |name| Method::new(name, Role::Operator).without_head();
        let names = route.methods.iter().map(String::as_str);
        let default = route.methods.is_empty().then_some(DEFAULT_METHOD);

        Self {
            path: &route.path,
            pattern: route.pattern.clone(),
            methods: names.chain(default).map(method).collect(),
            headers,
        }
    }
}

thread_local! {
    /// All deprecated paths, read once and kept for as long as the instance lives.
    static ALIASES: OnceCell<Result<&'static [Alias], FileError>> = const { OnceCell::new() };
}

/// Finds the alias with this path.
///
/// # Errors
/// The first mistake in the section of the configuration file.
pub fn find(path: &str) -> Result<Option<&'static Alias>, FileError> {
    let read = || {
        let routes = configuration::read(Configuration::deprecated_routes)?;
        let aliases: &'static [Alias] = aliases(Box::leak(Box::new(routes))).leak();
        Ok(aliases)
    };
    let aliases = ALIASES.with(|aliases| aliases.get_or_init(read).clone())?;
    Ok(aliases.iter().find(|alias| alias.path == path))
}

fn aliases(routes: &'static DeprecatedRoutes) -> Vec<Alias> {
    let headers: &'static [Header] = headers(routes).leak();
    let routes = routes.routes.iter();
    routes.map(|route| Alias::new(route, headers)).collect()
}

fn headers(routes: &DeprecatedRoutes) -> Vec<Header> {
    let since = routes
        .since
        .map(|since| ("deprecation", deprecation(since)));
    let sunset = routes
        .sunset
        .map(|sunset| ("sunset", httpdate::fmt_http_date(sunset)));
    let dates = since.into_iter().chain(sunset);
    dates
        .map(|(name, value)| (name, &*value.leak()))
        .chain([("link", SUCCESSOR_LINK)])
        .collect()
}

/// The `deprecation` header (RFC 9745). That of `sunset` is an HTTP date (RFC 8594).
fn deprecation(since: SystemTime) -> String {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("@{}", since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases_of(text: &str) -> Vec<Alias> {
        let file = Configuration::parse("edge-cache.toml", text).unwrap();
        let routes = file.deprecated_routes().unwrap();
        aliases(Box::leak(Box::new(routes)))
    }

    #[test]
    fn a_path_has_the_methods_of_the_file_or_post() {
        let aliases = aliases_of(
            r#"
            [deprecated]
            route = [
              { path = "/a", pattern = "a:*", methods = ["GET", "POST"] },
              { path = "/b", pattern = "b:*" },
            ]"#,
        );

        assert_eq!(aliases[0].route().method_names(), ["GET", "POST"]);
        assert!(aliases[0].route().method("HEAD").is_none());
        assert_eq!(aliases[1].route().method_names(), ["POST"]);
        assert_eq!(aliases[1].pattern.display(), "b:*");
    }

    #[test]
    fn responses_have_the_dates_of_the_file() {
        let aliases = aliases_of(
            r#"
            [deprecated]
            since = 2026-11-22
            sunset = 2027-11-22
            route = [{ path = "/a", pattern = "a:*" }]"#,
        );

        let expected = [
            ("deprecation", "@1795305600"),
            ("sunset", "Mon, 22 Nov 2027 00:00:00 GMT"),
            ("link", SUCCESSOR_LINK),
        ];
        assert_eq!(aliases[0].headers, expected);
    }

    #[test]
    fn without_dates_responses_name_only_the_successor() {
        let aliases = aliases_of("deprecated.route = [{ path = \"/a\", pattern = \"a:*\" }]");
        assert_eq!(aliases[0].headers, [("link", SUCCESSOR_LINK)]);
    }
}
