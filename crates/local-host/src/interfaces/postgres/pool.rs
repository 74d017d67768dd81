//! Connections, kept and reused: each component has a pool for each address, as in Spin.
//!
//! There are no time limits but those an address asks for (`connect_timeout`): what takes too long is the component's to
//! decide, as in Spin.
//!
//! All threads share them, so they are served by the runtime of the host, not by the one of the thread that happened to open
//! them: that may end first, or be busy with what a component computes.

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

use super::bindings::postgres::Error;
use super::error::chain;

/// Connections open at once to one address; who asks for more waits.
const CONNECTIONS: usize = 64;
/// Addresses whose pools are kept.
const ADDRESSES: usize = 16;

/// A connection of a pool.
pub type Client = Arc<Object>;

/// Where to connect to: a URL or `key=value` pairs, and a certificate authority to trust besides the machine's own.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    authority: Option<String>,
}

impl Address {
    pub fn new(text: String) -> Self {
        Self { text, authority: None }
    }

    /// Also trusts the authority with this certificate, in PEM.
    ///
    /// # Errors
    /// It is none.
    pub fn trust(&mut self, certificate: String) -> Result<(), Error> {
        let invalid = "invalid root certificate: invalid root certificate";
        parse(&certificate).map_err(|_| Error::Other(invalid.to_owned()))?;
        self.authority = Some(certificate);
        Ok(())
    }

    /// The hosts it names, each with its port where one is given.
    ///
    /// # Errors
    /// It is no address of a PostgreSQL server, or one of a socket on this machine.
    pub fn hosts(&self) -> Result<Vec<String>, Error> {
        let config: Config =
            self.text.parse().map_err(|e: tokio_postgres::Error| Error::ConnectionFailed(e.to_string()))?;
        let ports = config.get_ports();
        let only = if let [port] = ports { Some(port) } else { None };
        let with_port = |at: usize, host: String| match ports.get(at).or(only) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
        let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| match host {
            Host::Tcp(host) => Ok(with_port(at, host.clone())),
            Host::Unix(_) => Err("Unix sockets are not supported on WebAssembly".to_owned()),
        });
        // Where `hostaddr` is given it is what is connected to, and the host only a name.
        let numbers = config.get_hostaddrs().iter().enumerate().map(|(at, ip)| Ok(with_port(at, ip.to_string())));
        hosts.chain(numbers).collect::<Result<_, _>>().map_err(Error::ConnectionFailed)
    }

    fn pool(&self) -> Result<Pool> {
        let config: Config = self.text.parse().context("parsing Postgres connection string")?;
        let reuse = ManagerConfig { recycling_method: RecyclingMethod::Clean };
        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, NoTls, reuse)
        } else {
            Manager::from_config(config, self.tls()?, reuse)
        };
        Pool::builder(manager).max_size(CONNECTIONS).build().context("building Postgres connection pool")
    }

    fn tls(&self) -> Result<MakeRustlsConnect> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(authority) = &self.authority {
            roots.add(parse(authority)?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

fn parse(certificate: &str) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).context("invalid root certificate")
}

/// The pools of a component.
pub struct Pools {
    /// The one used last is at the end.
    kept: Mutex<Vec<(Address, Pool)>>,
    runtime: Handle,
}

impl Pools {
    /// Pools whose connections `runtime` serves.
    pub fn new(runtime: Handle) -> Self {
        Self { kept: Mutex::default(), runtime }
    }

    /// A connection: one that is free, else a new one.
    ///
    /// # Errors
    /// The server cannot be reached, refuses the login, or its certificate is not trusted.
    pub async fn client(&self, address: &Address) -> Result<Client, Error> {
        let client = self.open(address).await.map_err(|error| Error::ConnectionFailed(chain(&error)))?;
        Ok(Arc::new(client))
    }

    async fn open(&self, address: &Address) -> Result<Object> {
        let pool = self.pool(address)?;
        // A set of one, because a set ends with whoever waits for it.
        let mut opening = JoinSet::new();
        opening.spawn_on(async move { pool.get().await }, &self.runtime);
        let opened = opening.join_next().await.context("nothing was opened")?;
        Ok(opened??)
    }

    fn pool(&self, address: &Address) -> Result<Pool> {
        let mut pools = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (address, pool) = match pools.iter().position(|(known, _)| known == address) {
            Some(at) => pools.remove(at),
            None => (address.clone(), address.pool().context("establishing PostgreSQL connection pool")?),
        };
        if pools.len() == ADDRESSES {
            pools.remove(0);
        }
        pools.push((address, pool.clone()));
        Ok(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str) -> Result<Vec<String>, Error> {
        Address::new(address.to_owned()).hosts()
    }

    #[test]
    fn hosts_are_found_in_urls_and_in_pairs() {
        for (address, expected) in [
            ("postgres://u:p%40@db.example/shop", &["db.example:5432"] as &[_]),
            ("postgresql://db.example:6432/shop?connect_timeout=3", &["db.example:6432"]),
            ("host=db.example port=1 user=u password='a b'", &["db.example:1"]),
            ("postgres://a:1,b:2/shop", &["a:1", "b:2"]),
            ("host=a,b port=7", &["a:7", "b:7"]),
            ("host=a hostaddr=10.0.0.1 port=7", &["a:7", "10.0.0.1:7"]),
            ("user=u", &[]),
        ] {
            assert_eq!(hosts(address).unwrap(), expected, "{address}");
        }
    }

    #[test]
    fn what_is_no_address_or_no_host_is_refused() {
        for (address, expected) in [
            ("redis://h", "invalid connection string"),
            ("port=x", "invalid connection string"),
            ("host=/tmp", "Unix sockets are not supported on WebAssembly"),
        ] {
            let error = hosts(address).unwrap_err();
            assert!(matches!(&error, Error::ConnectionFailed(text) if text.contains(expected)), "{address}: {error:?}");
        }
    }

    #[tokio::test]
    async fn pools_are_kept_for_the_addresses_used_last() {
        let pools = Pools::new(Handle::current());
        let address = |n: usize| Address::new(format!("host=h{n} user=u sslmode=disable"));
        for n in 0..ADDRESSES {
            pools.pool(&address(n)).unwrap();
        }
        pools.pool(&address(0)).unwrap();
        pools.pool(&address(ADDRESSES)).unwrap();
        let kept: Vec<_> = pools.kept.lock().unwrap().iter().map(|(address, _)| address.text.clone()).collect();
        assert_eq!(kept.len(), ADDRESSES);
        assert!(kept.contains(&address(0).text) && !kept.contains(&address(1).text), "{kept:?}");
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let mut address = Address::new("host=h".to_owned());
        let error = address.trust("-----BEGIN".to_owned()).unwrap_err();
        assert!(matches!(error, Error::Other(text) if text.starts_with("invalid root certificate")));
    }
}
