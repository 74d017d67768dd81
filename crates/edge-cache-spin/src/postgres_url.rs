//! The address of a PostgreSQL database, checked, and what of it may be told.

use std::fmt;

use percent_encoding::percent_decode_str;

/// The port where an address has none.
const PORT: u16 = 5432;

/// A `postgres://` URL with one host. It may hold a password: only [`PostgresUrl::address`] is to be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    text: String,
    address: String,
    /// Every form in which the password could be repeated by others.
    secrets: Vec<String>,
}

impl PostgresUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What it must be; nothing of what it is.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let form = "must be like postgres://user:password@host:5432/database, with a single host";
        Self::parts(text).ok_or_else(|| form.to_owned())
    }

    fn parts(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))?;
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let (login, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
            None => (server, PORT),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return None;
        }
        let in_query = rest.split(['?', '&']).filter_map(|part| part.strip_prefix("password="));
        let passwords = login.split_once(':').map(|(_, password)| password).into_iter().chain(in_query);
        let mut secrets: Vec<String> = passwords
            .flat_map(|password| [password.to_owned(), percent_decode_str(password).decode_utf8_lossy().into_owned()])
            .filter(|secret| !secret.is_empty())
            .collect();
        // The longest first: one may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Some(Self { text: text.to_owned(), address: format!("postgres://{host}:{port}"), secrets })
    }

    /// All of it, for the host alone.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port: what `allowed_outbound_hosts` lists.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What others said, without the password.
    pub(crate) fn redact(&self, said: &str) -> String {
        self.secrets.iter().fold(said.to_owned(), |said, secret| said.replace(secret, "***"))
    }
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
            ("postgresql://u:p@db.example:6432/shop?sslmode=require", "postgres://db.example:6432"),
            ("postgres://u:p@w@10.0.0.1", "postgres://10.0.0.1:5432"),
            ("postgres://db?user=u", "postgres://db:5432"),
        ] {
            assert_eq!(PostgresUrl::parse(text).unwrap().address(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_one_server_is_refused_without_being_repeated() {
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
            assert!(error.contains("postgres://user:password@host") && !error.contains("secret"), "{text}");
        }
    }

    #[test]
    fn passwords_are_taken_out_of_what_others_say() {
        let url = PostgresUrl::parse("postgres://u:s%40cret@db/shop?password=other&x=1").unwrap();
        assert_eq!(url.redact("s@cret, s%40cret and other"), "***, *** and ***");
        assert_eq!(format!("{url:?}"), "postgres://db:5432");
        assert_eq!(PostgresUrl::parse("postgres://u@db").unwrap().redact("u"), "u");
    }
}
