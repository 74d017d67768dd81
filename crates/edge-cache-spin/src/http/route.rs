//! Methods of a route: the role each requires, and the parts of a request it reads.
//!
//! A part that a method does not read must be empty. [`crate::serve`] checks that before the
//! handler runs, so a component cannot forget it: a parameter that no code reads, such as
//! `?dryRun=true` on a route that expects it in the body, is refused instead of ignored.

use edge_cache_admin::Role;

/// A method that a route has.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    pub(crate) name: &'static str,
    /// The lowest role allowed; `None` for a public method.
    pub(crate) role: Option<Role>,
    pub(crate) reads_query: bool,
    pub(crate) reads_body: bool,
    /// True if `HEAD` is served like `GET`.
    serves_head: bool,
    /// True if it changes nothing, although its name suggests it.
    only_reads: bool,
}

impl Method {
    /// A method for callers with at least this role, which reads neither query nor body.
    pub const fn new(name: &'static str, role: Role) -> Self {
        Self {
            role: Some(role),
            ..Self::public(name)
        }
    }

    /// A method that needs no token, and reads neither query nor body.
    pub const fn public(name: &'static str) -> Self {
        Self {
            name,
            role: None,
            reads_query: false,
            reads_body: false,
            serves_head: true,
            only_reads: false,
        }
    }

    /// The handler checks every parameter of the query.
    #[must_use]
    pub const fn with_query(self) -> Self {
        Self {
            reads_query: true,
            ..self
        }
    }

    /// The handler checks every field of the body.
    #[must_use]
    pub const fn with_body(self) -> Self {
        Self {
            reads_body: true,
            ..self
        }
    }

    /// Refuses `HEAD`, for a `GET` that changes something.
    #[must_use]
    pub const fn without_head(self) -> Self {
        Self {
            serves_head: false,
            ..self
        }
    }

    /// Says that it changes nothing, for a `POST` that reads.
    #[must_use]
    pub const fn only_reading(self) -> Self {
        Self {
            only_reads: true,
            ..self
        }
    }

    /// Returns whether a caller with a token may change something by it.
    pub(crate) fn is_change(&self) -> bool {
        let is_reading_get = self.name == "GET" && self.serves_head;
        self.role.is_some() && !is_reading_get && !self.only_reads
    }

    fn serves(&self, method: &str) -> bool {
        self.name == method || (method == "HEAD" && self.name == "GET" && self.serves_head)
    }
}

/// The methods of a route, its name in the log, and headers that each of its responses has.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    methods: &'a [Method],
    pub(crate) name: Option<&'static str>,
    pub(crate) headers: &'a [(&'static str, &'static str)],
}

impl<'a> Route<'a> {
    /// A route with these methods.
    pub const fn new(methods: &'a [Method]) -> Self {
        Self {
            methods,
            name: None,
            headers: &[],
        }
    }

    /// Names the route in the log, as in `/api/cache/keys/{key}`. Without a name, that is the route of
    /// the manifest by which the host found the component.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// Adds headers to each response, including problems.
    #[must_use]
    pub const fn with_headers(self, headers: &'a [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The method that serves a request: the one of this name, or `GET` for `HEAD`.
    pub(crate) fn method(&self, name: &str) -> Option<&'a Method> {
        self.methods.iter().find(|method| method.serves(name))
    }

    /// Names of the methods, for the `allow` header.
    pub(crate) fn method_names(&self) -> Vec<&'static str> {
        self.methods.iter().map(|method| method.name).collect()
    }
}

impl<'a> From<&'a [Method]> for Route<'a> {
    fn from(methods: &'a [Method]) -> Self {
        Self::new(methods)
    }
}

impl<'a, const N: usize> From<&'a [Method; N]> for Route<'a> {
    fn from(methods: &'a [Method; N]) -> Self {
        Self::new(methods)
    }
}

/// Normalizes a path as hosts do before they compare it with a route: one leading slash, no
/// trailing one.
///
/// Spin ignores slashes around a path when it compares it with an exact route, so `/stats/` and
/// `//stats` reach the component of `/stats`. Components compare paths in the same way; otherwise
/// some routes would accept a trailing slash and others would not.
pub(crate) fn normalize_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let leading = path.len() - path.trim_start_matches('/').len();
    if path.is_empty() {
        "/"
    } else {
        &path[leading.saturating_sub(1)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_around_a_path_are_ignored() {
        for path in ["/a/b", "/a/b/", "//a/b", "///a/b//"] {
            assert_eq!(normalize_path(path), "/a/b", "{path}");
        }
        for path in ["", "/", "//"] {
            assert_eq!(normalize_path(path), "/", "{path}");
        }
    }

    #[test]
    fn slashes_within_a_path_are_kept() {
        assert_eq!(normalize_path("/a//b"), "/a//b");
    }

    const METHODS: &[Method] = &[
        Method::new("GET", Role::Viewer),
        Method::new("PUT", Role::Admin).with_body(),
    ];

    fn serving_method(methods: &[Method], name: &str) -> Option<&'static str> {
        Route::new(methods).method(name).map(|method| method.name)
    }

    #[test]
    fn a_request_is_served_by_the_method_of_its_name() {
        assert_eq!(serving_method(METHODS, "PUT"), Some("PUT"));
        assert_eq!(serving_method(METHODS, "POST"), None);
        assert_eq!(Route::new(METHODS).method_names(), ["GET", "PUT"]);
    }

    #[test]
    fn head_is_served_by_a_get_that_changes_nothing() {
        let changing = [Method::new("GET", Role::Operator).without_head()];

        assert_eq!(serving_method(METHODS, "HEAD"), Some("GET"));
        assert_eq!(serving_method(&changing, "HEAD"), None);
    }

    #[test]
    fn a_method_changes_something_unless_it_reads() {
        assert!(!METHODS[0].is_change());
        assert!(METHODS[1].is_change());
        assert!(
            Method::new("GET", Role::Operator)
                .without_head()
                .is_change()
        );
        assert!(
            !Method::new("POST", Role::Operator)
                .only_reading()
                .is_change()
        );
        assert!(!Method::public("POST").is_change());
    }
}
