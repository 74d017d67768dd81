//! Deprecated routes: paths of older systems, each of which clears the keys of a pattern.

use std::time::SystemTime;

use edge_cache::keyspace::pattern::Pattern;

use crate::input::{Day, FileError, TomlTable};

/// The deprecated routes of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeprecatedRoutes {
    /// When they were deprecated.
    pub since: Option<SystemTime>,
    /// When they may be removed.
    pub sunset: Option<SystemTime>,
    /// The routes, in the file's order.
    pub routes: Vec<DeprecatedRoute>,
}

/// A deprecated path, and the pattern that it clears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeprecatedRoute {
    /// The path, from `/`.
    pub path: String,
    /// The pattern.
    pub pattern: Pattern,
    /// The methods that the older system accepted there; empty: the usual one for a change.
    pub methods: Vec<String>,
}

impl DeprecatedRoutes {
    /// Reads and checks `[deprecated]`.
    ///
    /// # Errors
    /// The first mistake.
    pub(super) fn read(table: &TomlTable<'_>) -> Result<Self, FileError> {
        let mut routes: Vec<DeprecatedRoute> = Vec::new();
        for route in table.tables("route")? {
            let read = DeprecatedRoute::read(&route)?;
            if routes.iter().any(|known| known.path == read.path) {
                let problem = format!("the path {} appears twice", read.path);
                return Err(route.error_at("path", problem));
            }
            routes.push(read);
        }

        let (since, sunset) = (begin_of(table, "since")?, begin_of(table, "sunset")?);
        table.reject_unknown(&["since", "sunset", "route"])?;
        Ok(Self {
            since,
            sunset,
            routes,
        })
    }

    /// The route with this path.
    pub fn find(&self, path: &str) -> Option<&DeprecatedRoute> {
        self.routes.iter().find(|route| route.path == path)
    }
}

impl DeprecatedRoute {
    fn read(table: &TomlTable<'_>) -> Result<Self, FileError> {
        let path = table.required_string("path")?;
        if !path.starts_with('/') || path.len() == 1 || path.ends_with('/') {
            let problem = "`path` must start with /, and not end with one";
            return Err(table.error_at("path", problem));
        }
        let pattern = read_pattern(table)?;
        let methods = table.strings("methods")?;
        for (index, method) in methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
                let problem = format!("`methods[{index}]` must consist of capital letters");
                return Err(table.error_in("methods", index, problem));
            }
        }
        table.reject_unknown(&["path", "pattern", "methods"])?;

        Ok(Self {
            path: path.to_owned(),
            pattern,
            methods,
        })
    }
}

/// Reads a pattern that clears some keys, but neither all nor protected ones.
fn read_pattern(table: &TomlTable<'_>) -> Result<Pattern, FileError> {
    let pattern = Pattern::parse("pattern", table.required_string("pattern")?)
        .map_err(|error| table.error_at("pattern", error.to_string()))?;
    if pattern.matches_everything() || pattern.names_protected() {
        let problem = "`pattern` must not match every key or name protected keys";
        return Err(table.error_at("pattern", problem));
    }
    Ok(pattern)
}

/// The beginning of a day, in UTC.
fn begin_of(table: &TomlTable<'_>, name: &str) -> Result<Option<SystemTime>, FileError> {
    let Some(Day { year, month, day }) = table.day(name)? else {
        return Ok(None);
    };
    humantime::parse_rfc3339(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"))
        .map(Some)
        .map_err(|_| table.error_at(name, format!("`{name}` must be a date since 1970")))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::input::TomlFile;

    fn read(text: &str) -> Result<DeprecatedRoutes, String> {
        let file = TomlFile::parse("f.toml", text).map_err(|error| error.to_string())?;
        DeprecatedRoutes::read(&file.root()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_route_is_found_by_its_path() {
        let routes = read(
            r#"
            since = 2026-11-22
            [[route]]
            path = "/old/clear"
            pattern = "a:*"
            methods = ["GET"]
            "#,
        )
        .unwrap();

        let since = UNIX_EPOCH + Duration::from_secs(1_795_305_600);
        assert_eq!(routes.since, Some(since));
        assert_eq!(routes.sunset, None);
        assert_eq!(routes.find("/old/clear").unwrap().methods, ["GET"]);
        assert_eq!(routes.find("/old"), None);
    }

    #[test]
    fn a_route_clears_neither_all_keys_nor_protected_ones() {
        let with = |path: &str, pattern: &str, rest: &str| {
            read(&format!(
                "[[route]]\npath = \"{path}\"\npattern = \"{pattern}\"\n{rest}\n"
            ))
        };

        let cases = [
            (
                with("/a", "*", ""),
                "f.toml:3:11: `pattern` must not match every key",
            ),
            (
                with("/a", "cache:*", ""),
                "f.toml:3:11: `pattern` must not match every key",
            ),
            (with("/a", "", ""), "f.toml:3:11: `pattern` "),
            (with("a", "b:*", ""), "f.toml:2:8: `path` must start with /"),
            (
                with("/a", "b:*", "methods = [\"GET\", \"post\"]"),
                "f.toml:4:19: `methods[1]`",
            ),
            (
                with("/a", "b:*", "[[route]]\npath = \"/a\"\npattern = \"c:*\""),
                "f.toml:5:8: the path /a appears twice",
            ),
            (
                read("since = 1969-12-31\n"),
                "f.toml:1:9: `since` must be a date since 1970",
            ),
        ];

        for (result, expected) in cases {
            let problem = result.unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
