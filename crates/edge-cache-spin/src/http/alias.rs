//! Deprecated paths of older systems. Each clears the keys of one module, under the same rules and
//! roles as `/api/cache/clear`.

/// A deprecated path and the pattern it clears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The path.
    pub path: &'static str,
    /// The pattern it clears.
    pub pattern: &'static str,
    /// The methods that the older system accepted there.
    pub methods: &'static [&'static str],
}

/// The `deprecation` header: 2026-11-22, in seconds since 1970 (RFC 9745).
pub const DEPRECATION: &str = "@1795305600";
/// The `sunset` header: the paths may be removed a year later (RFC 8594).
pub const SUNSET: &str = "Mon, 22 Nov 2027 00:00:00 GMT";
/// The `link` header: the route that replaces them (RFC 8288).
pub const SUCCESSOR_LINK: &str = "</api/cache/clear>; rel=\"successor-version\"";

const POST: &[&str] = &["POST"];

/// All deprecated paths.
pub const ALIASES: [Alias; 10] = [
    Alias {
        path: "/api/catalog/invalidate-cache",
        pattern: "catalog:*",
        methods: &["GET", "POST"],
    },
    Alias {
        path: "/api/manufacturers/cache/clear",
        pattern: "manufacturers:*",
        methods: POST,
    },
    Alias {
        path: "/api/blog/refresh-cache",
        pattern: "blog:*",
        methods: POST,
    },
    Alias {
        path: "/api/products/cache/clear",
        pattern: "products:*",
        methods: POST,
    },
    Alias {
        path: "/api/users/cache/clear",
        pattern: "users:*",
        methods: POST,
    },
    Alias {
        path: "/api/vehicles/cache/clear",
        pattern: "vehicles:*",
        methods: POST,
    },
    Alias {
        path: "/api/config/cache/clear",
        pattern: "config:*",
        methods: POST,
    },
    Alias {
        path: "/api/seo/cache/clear",
        pattern: "seo:*",
        methods: POST,
    },
    Alias {
        path: "/api/suppliers/cache/clear",
        pattern: "suppliers:*",
        methods: POST,
    },
    Alias {
        path: "/api/dashboard/cache/clear",
        pattern: "dashboard:*",
        methods: POST,
    },
];

/// Finds the alias with this path.
pub fn find(path: &str) -> Option<Alias> {
    ALIASES.into_iter().find(|alias| alias.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_clears_one_module() {
        for alias in ALIASES {
            let pattern = edge_cache::Pattern::parse("pattern", alias.pattern).unwrap();
            assert!(!pattern.matches_everything(), "{}", alias.path);
            assert!(!pattern.names_protected(), "{}", alias.path);
        }
    }

    #[test]
    fn an_alias_is_found_by_its_path() {
        for alias in ALIASES {
            assert_eq!(find(alias.path), Some(alias));
        }
        assert_eq!(find("/api/other"), None);
    }
}
