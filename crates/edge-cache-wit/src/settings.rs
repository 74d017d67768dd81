//! The provider's variables, which it inherits from its caller.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::Duration;

use edge_cache::Namespace;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Advice for a variable that is not there.
const ADVICE: &str = "pass it to the component in spin.toml ([component.<id>.variables]), and let the dependency inherit it \
                      (dependencies_inherit_configuration = true)";

/// Variables of the provider, in the order in which they are read. `redis_url` makes the others of
/// the address superfluous.
pub const VARIABLES: [&str; 11] = [
    "redis_url",
    "redis_host",
    "redis_port",
    "redis_username",
    "redis_password",
    "redis_db",
    "redis_tls",
    "command_timeout_ms",
    "fence_interval_ms",
    "cache_namespace",
    "hot_keys",
];

/// Valid settings.
pub struct Settings {
    /// The cache's logical database. It contains the password: never log it.
    pub redis_url: String,
    /// Time limit of a Redis command, its retries included.
    pub command_timeout: Duration,
    /// How old the instance's knowledge of invalidations may be when a lookup begins.
    pub fence_interval: Duration,
    /// The namespace of the cache's internal keys.
    pub namespace: Namespace,
    /// True if lookups are counted by key.
    pub hot_keys: bool,
}

/// The text of each variable that is set.
struct Variables(Vec<(&'static str, String)>);

impl Settings {
    /// Validates the variables: pairs of [`VARIABLES`] and their texts.
    ///
    /// # Errors
    /// The first variable that is missing or bad, with advice.
    pub fn new(given: Vec<(&'static str, String)>) -> Result<Self, String> {
        let given = given
            .into_iter()
            .map(|(name, text)| (name, text.trim().to_owned()));
        let variables = Variables(given.filter(|(_, text)| !text.is_empty()).collect());

        let redis_url = match variables.text("redis_url") {
            Some(url) => check_url(url)?,
            None => variables.compose_url()?,
        };
        Ok(Self {
            redis_url,
            command_timeout: variables.milliseconds("command_timeout_ms", 50..=60_000, 1500)?,
            fence_interval: variables.milliseconds("fence_interval_ms", 10..=1000, 50)?,
            namespace: variables.namespace()?,
            hot_keys: variables.hot_keys()?,
        })
    }
}

impl Variables {
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| *given == name);
        found.map(|(_, text)| text.as_str())
    }

    fn number(&self, name: &str, range: RangeInclusive<u64>, default: u64) -> Result<u64, String> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (min, max) = (range.start(), range.end());
        number.ok_or_else(|| {
            format!("the variable `{name}` must be a whole number from {min} to {max}")
        })
    }

    fn milliseconds(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<Duration, String> {
        self.number(name, range, default).map(Duration::from_millis)
    }

    fn hot_keys(&self) -> Result<bool, String> {
        match self.text("hot_keys") {
            Some("true") | None => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err("the variable `hot_keys` must be true or false".to_owned()),
        }
    }

    fn namespace(&self) -> Result<Namespace, String> {
        let Some(name) = self.text("cache_namespace") else {
            return Ok(Namespace::default());
        };
        Namespace::parse(name).map_err(|_| {
            "the variable `cache_namespace` must be 1 to 32 lower-case letters, digits, `-` and `_`"
                .to_owned()
        })
    }

    /// Composes the URL from the variables of the library's Spin side.
    fn compose_url(&self) -> Result<String, String> {
        let host = self
            .text("redis_host")
            .ok_or_else(|| format!("the variable `redis_url` is not set: {ADVICE}"))?;
        let port = self.number("redis_port", 1..=65_535, 6379)?;
        let database = self.number("redis_db", 0..=65_535, 0)?;

        let mut url = match self.text("redis_tls") {
            Some("true") => "rediss://".to_owned(),
            Some("false") | None => "redis://".to_owned(),
            Some(_) => return Err("the variable `redis_tls` must be true or false".to_owned()),
        };
        let user = self.text("redis_username").unwrap_or_default();
        let password = self.text("redis_password").unwrap_or_default();
        if !user.is_empty() || !password.is_empty() {
            let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            // Writing to a string cannot fail.
            let _ = write!(url, "{}:{}@", encode(user), encode(password));
        }

        let _ = write!(url, "{host}:{port}/{database}");
        Ok(url)
    }
}

fn check_url(url: &str) -> Result<String, String> {
    let is_redis = ["redis://", "rediss://"]
        .iter()
        .any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if is_redis {
        return Ok(url.to_owned());
    }
    Err("the variable `redis_url` must be redis[s]://[user:password@]host:port[/db]".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(given: &[(&'static str, &str)]) -> Result<String, String> {
        let given = given.iter().map(|(name, text)| (*name, (*text).to_owned()));
        Settings::new(given.collect()).map(|settings| settings.redis_url)
    }

    #[test]
    fn a_url_counts_before_a_host() {
        let given = [("redis_url", " redis://a:1 "), ("redis_host", "b")];

        assert_eq!(url(&given), Ok("redis://a:1".to_owned()));
    }

    #[test]
    fn a_url_is_composed_of_the_other_variables() {
        let given = [
            ("redis_host", "cache.example"),
            ("redis_port", "6380"),
            ("redis_password", "a/b"),
            ("redis_tls", "true"),
        ];

        assert_eq!(
            url(&given),
            Ok("rediss://:a%2Fb@cache.example:6380/0".to_owned())
        );
    }

    #[test]
    fn a_missing_address_is_an_error_with_advice() {
        let error = url(&[("redis_url", "")]).unwrap_err();

        assert!(error.contains("`redis_url` is not set"), "{error}");
        assert!(
            error.contains("dependencies_inherit_configuration"),
            "{error}"
        );
    }

    #[test]
    fn a_bad_value_names_its_variable_and_never_shows_it() {
        for (name, text) in [
            ("redis_url", "http://user:secret@host"),
            ("redis_url", "redis://"),
            ("redis_port", "secret"),
            ("redis_tls", "secret"),
            ("redis_db", "secret"),
            ("command_timeout_ms", "secret"),
            ("fence_interval_ms", "5"),
            ("cache_namespace", "secret:"),
        ] {
            let given = [("redis_host", "h"), (name, text)];

            let error = url(&given).unwrap_err();

            assert!(error.contains(name) && !error.contains("secret"), "{error}");
        }
    }
}
