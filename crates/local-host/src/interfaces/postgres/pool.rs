//! Connections that are kept for reuse: each component has a pool for each address, as in Spin.
//!
//! The only time limits are those that an address sets (`connect_timeout`); a component decides
//! itself how long it waits, as in Spin.
//!
//! All threads share the connections, so the runtime of the host drives them. The runtime of the
//! thread that opened a connection may end first, or be busy with a component that computes.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connections open at once to one address. Further callers wait.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 64;
/// Addresses whose pools a component keeps.
const MAX_POOLS: usize = 16;

/// A connection, which returns to the pool of its address when the last clone is dropped.
pub type Connection = Arc<Object>;

/// The address of a server: a URL or `key=value` pairs, and a certificate authority to trust besides
/// those of the machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    authority: Option<String>,
}

impl Address {
    pub fn new(text: String) -> Self {
        Self {
            text,
            authority: None,
        }
    }

    /// Also trusts the authority with this certificate, in PEM.
    ///
    /// # Errors
    /// Spin's text for an invalid certificate.
    pub fn trust(&mut self, certificate: String) -> Result<(), String> {
        let invalid = "invalid root certificate: invalid root certificate";
        parse_certificate(&certificate).map_err(|_| invalid.to_owned())?;
        self.authority = Some(certificate);
        Ok(())
    }

    /// Returns the hosts of the address, each with its port if the address has one.
    ///
    /// # Errors
    /// Spin's text for an address that is invalid or names a socket on this machine.
    pub fn hosts(&self) -> Result<Vec<String>, String> {
        let config: Config = self
            .text
            .parse()
            .map_err(|error: tokio_postgres::Error| error.to_string())?;

        let ports = config.get_ports();
        // A single port applies to all hosts.
        let shared_port = if let [port] = ports { Some(port) } else { None };
        let with_port = |index: usize, host: String| match ports.get(index).or(shared_port) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };

        let mut hosts = Vec::new();
        for (index, host) in config.get_hosts().iter().enumerate() {
            match host {
                Host::Tcp(host) => hosts.push(with_port(index, host.clone())),
                Host::Unix(_) => {
                    return Err("Unix sockets are not supported on WebAssembly".to_owned());
                }
            }
        }
        // With `hostaddr` the client connects to that address, and the host is only a name.
        for (index, ip) in config.get_hostaddrs().iter().enumerate() {
            hosts.push(with_port(index, ip.to_string()));
        }
        Ok(hosts)
    }

    fn pool(&self) -> Result<Pool> {
        let config: Config = self
            .text
            .parse()
            .context("parsing Postgres connection string")?;
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Clean,
        };

        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, NoTls, manager_config)
        } else {
            Manager::from_config(config, self.tls()?, manager_config)
        };

        Pool::builder(manager)
            .max_size(MAX_CONNECTIONS_PER_ADDRESS)
            .build()
            .context("building Postgres connection pool")
    }

    fn tls(&self) -> Result<MakeRustlsConnect> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(authority) = &self.authority {
            roots.add(parse_certificate(authority)?)?;
        }

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(MakeRustlsConnect::new(
            config.with_root_certificates(roots).with_no_client_auth(),
        ))
    }
}

fn parse_certificate(certificate: &str) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).context("invalid root certificate")
}

/// The pools of a component.
pub struct Pools {
    /// In order of use; the most recent is last.
    pools: Mutex<Vec<(Address, Pool)>>,
    runtime: Handle,
}

impl Pools {
    /// Creates pools whose connections `runtime` drives.
    pub fn new(runtime: Handle) -> Self {
        Self {
            pools: Mutex::default(),
            runtime,
        }
    }

    /// Returns a free connection, or a new one.
    ///
    /// # Errors
    /// The server cannot be reached, refuses the login, or has a certificate that is not trusted.
    pub async fn connect(&self, address: &Address) -> Result<Connection> {
        let pool = self.pool(address)?;

        // A task set cancels its task when the caller goes away.
        let mut opening = JoinSet::new();
        opening.spawn_on(async move { pool.get().await }, &self.runtime);
        let opened = opening.join_next().await.context("nothing was opened")?;

        Ok(Arc::new(opened??))
    }

    /// Returns the pool of `address` and makes it the most recent one.
    fn pool(&self, address: &Address) -> Result<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);

        let known = pools.iter().position(|(known, _)| known == address);
        let pool = match known {
            Some(index) => pools.remove(index).1,
            None => address
                .pool()
                .context("establishing PostgreSQL connection pool")?,
        };

        if pools.len() == MAX_POOLS {
            pools.remove(0);
        }
        pools.push((address.clone(), pool.clone()));
        Ok(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str) -> Result<Vec<String>, String> {
        Address::new(address.to_owned()).hosts()
    }

    #[test]
    fn hosts_are_found_in_urls_and_in_pairs() {
        for (address, expected) in [
            (
                "postgres://u:p%40@db.example/shop",
                &["db.example:5432"] as &[_],
            ),
            (
                "postgresql://db.example:6432/shop?connect_timeout=3",
                &["db.example:6432"],
            ),
            (
                "host=db.example port=1 user=u password='a b'",
                &["db.example:1"],
            ),
            ("postgres://a:1,b:2/shop", &["a:1", "b:2"]),
            ("host=a,b port=7", &["a:7", "b:7"]),
            ("host=a hostaddr=10.0.0.1 port=7", &["a:7", "10.0.0.1:7"]),
            ("user=u", &[]),
        ] {
            assert_eq!(hosts(address).unwrap(), expected, "{address}");
        }
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for (address, expected) in [
            ("redis://h", "invalid connection string"),
            ("port=x", "invalid connection string"),
            ("host=/tmp", "Unix sockets are not supported on WebAssembly"),
        ] {
            let error = hosts(address).unwrap_err();
            assert!(error.contains(expected), "{address}: {error}");
        }
    }

    #[tokio::test]
    async fn the_pools_of_the_most_recent_addresses_are_kept() {
        let pools = Pools::new(Handle::current());
        let address = |n: usize| Address::new(format!("host=h{n} user=u sslmode=disable"));
        for n in 0..MAX_POOLS {
            pools.pool(&address(n)).unwrap();
        }

        pools.pool(&address(0)).unwrap();
        pools.pool(&address(MAX_POOLS)).unwrap();

        let kept = pools.pools.lock().unwrap();
        let is_kept = |n: usize| kept.iter().any(|(known, _)| *known == address(n));
        assert_eq!(kept.len(), MAX_POOLS);
        assert!(is_kept(0), "used again");
        assert!(!is_kept(1), "the oldest");
    }

    #[test]
    fn an_invalid_certificate_is_refused() {
        let mut address = Address::new("host=h".to_owned());

        let error = address.trust("-----BEGIN".to_owned()).unwrap_err();

        assert!(error.starts_with("invalid root certificate"), "{error}");
    }
}
