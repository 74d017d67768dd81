//! Addresses of older systems, which clear one module's keys each: same rules and roles, until they are taken away.

/// An old address and the pattern it clears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The path.
    pub path: &'static str,
    /// What it clears.
    pub pattern: &'static str,
    /// The methods the old system had there.
    pub methods: &'static [&'static str],
}

/// Since when the old addresses are deprecated (RFC 9745: seconds since 1970): 2026-11-22.
pub const DEPRECATED: &str = "@1795305600";
/// When they may go (RFC 8594): a year later.
pub const SUNSET: &str = "Mon, 22 Nov 2027 00:00:00 GMT";
/// What takes their place (RFC 8288).
pub const SUCCESSOR: &str = "</api/cache/clear>; rel=\"successor-version\"";

const POST: &[&str] = &["POST"];

/// All old addresses.
pub const ALIASES: [Alias; 10] = [
    Alias { path: "/api/catalog/invalidate-cache", pattern: "catalog:*", methods: &["GET", "POST"] },
    Alias { path: "/api/manufacturers/cache/clear", pattern: "manufacturers:*", methods: POST },
    Alias { path: "/api/blog/refresh-cache", pattern: "blog:*", methods: POST },
    Alias { path: "/api/products/cache/clear", pattern: "products:*", methods: POST },
    Alias { path: "/api/users/cache/clear", pattern: "users:*", methods: POST },
    Alias { path: "/api/vehicles/cache/clear", pattern: "vehicles:*", methods: POST },
    Alias { path: "/api/config/cache/clear", pattern: "config:*", methods: POST },
    Alias { path: "/api/seo/cache/clear", pattern: "seo:*", methods: POST },
    Alias { path: "/api/suppliers/cache/clear", pattern: "suppliers:*", methods: POST },
    Alias { path: "/api/dashboard/cache/clear", pattern: "dashboard:*", methods: POST },
];

/// The alias with this path.
pub fn at(path: &str) -> Option<Alias> {
    ALIASES.into_iter().find(|alias| alias.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_clears_a_module_and_never_everything() {
        for alias in ALIASES {
            let pattern = crate::Pattern::parse("pattern", alias.pattern).unwrap();
            assert!(!pattern.matches_everything() && !pattern.names_protected());
            assert_eq!(at(alias.path), Some(alias));
        }
        assert_eq!(at("/api/other"), None);
    }
}
