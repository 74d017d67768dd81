//! The URL of a PostgreSQL database, validated, with its password kept out of messages.

use std::fmt;

use percent_encoding::percent_decode_str;

/// Port of a URL that has none.
const DEFAULT_PORT: u16 = 5432;

/// A `postgres://` URL with one host. It may contain a password, so only [`PostgresUrl::address`]
/// may be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    text: String,
    address: String,
    /// Every form in which an error of the host or server could repeat the password.
    secrets: Vec<String>,
}

impl PostgresUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// The expected form, without any part of the given text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let form = "must be like postgres://user:password@host:5432/database, with a single host";
        Self::try_parse(text).ok_or_else(|| form.to_owned())
    }

    fn try_parse(text: &str) -> Option<Self> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))?;
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let (login, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
            None => (server, DEFAULT_PORT),
        };
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_allowed) {
            return None;
        }

        Some(Self {
            text: text.to_owned(),
            address: format!("postgres://{host}:{port}"),
            secrets: secrets(login, rest),
        })
    }

    /// The whole URL. Only the host may receive it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as in `allowed_outbound_hosts`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Removes the password from a message.
    pub(crate) fn redact(&self, message: &str) -> String {
        let mut redacted = message.to_owned();
        for secret in &self.secrets {
            redacted = redacted.replace(secret, "***");
        }
        redacted
    }
}

/// Finds passwords in the login and in the query, both as they are and percent-decoded.
fn secrets(login: &str, rest: &str) -> Vec<String> {
    let in_login = login.split_once(':').map(|(_, password)| password);
    let in_query = rest
        .split(['?', '&'])
        .filter_map(|part| part.strip_prefix("password="));

    let mut secrets = Vec::new();
    for password in in_login.into_iter().chain(in_query) {
        let decoded = percent_decode_str(password).decode_utf8_lossy();
        secrets.push(decoded.into_owned());
        secrets.push(password.to_owned());
    }
    secrets.retain(|secret| !secret.is_empty());
    // The longest comes first, because one may be a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_scheme_host_and_port() {
        for (text, expected) in [
            ("postgres://db/shop", "postgres://db:5432"),
            (
                "postgresql://u:p@db.example:6432/shop?sslmode=require",
                "postgres://db.example:6432",
            ),
            ("postgres://u:p@w@10.0.0.1", "postgres://10.0.0.1:5432"),
            ("postgres://db?user=u", "postgres://db:5432"),
        ] {
            assert_eq!(
                PostgresUrl::parse(text).unwrap().address(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn any_other_text_is_refused_without_being_repeated() {
        for text in [
            "db",
            "mysql://db/shop",
            "postgres://",
            "postgres:///shop",
            "postgres://u:secret@a,b/shop",
            "postgres://u:secret@a:1,b:2/shop",
            "postgres://u:secret@db:0/shop",
            "postgres://u:secret@db:port/shop",
            "postgres://%2Ftmp/shop",
            "postgres://u:secret@[::1]/shop",
        ] {
            let error = PostgresUrl::parse(text).unwrap_err();
            assert!(
                error.contains("postgres://user:password@host") && !error.contains("secret"),
                "{text}"
            );
        }
    }

    #[test]
    fn passwords_are_removed_from_messages() {
        let url = PostgresUrl::parse("postgres://u:s%40cret@db/shop?password=other&x=1").unwrap();
        assert_eq!(url.redact("s@cret, s%40cret and other"), "***, *** and ***");
        assert_eq!(format!("{url:?}"), "postgres://db:5432");
        assert_eq!(
            PostgresUrl::parse("postgres://u@db").unwrap().redact("u"),
            "u"
        );
    }
}
