//! Everything the manifest grants a component. All its instances share it.

use std::sync::Arc;

use tempfile::TempDir;

use crate::allowed_hosts::AllowedHosts;
use crate::interfaces::key_value::KeyValueGrant;
use crate::interfaces::postgres::PostgresGrant;
use crate::interfaces::sqlite::SqliteGrant;
use crate::interfaces::variables::VariablesGrant;

/// The permissions and settings of a component.
pub struct Grants {
    pub variables: Arc<VariablesGrant>,
    pub key_value: Arc<KeyValueGrant>,
    pub sqlite: Arc<SqliteGrant>,
    /// Holds the connections to PostgreSQL as well, which instances share.
    pub postgres: Arc<PostgresGrant>,
    pub allowed_hosts: Arc<AllowedHosts>,
    pub environment: Vec<(String, String)>,
    /// A copy of the component's files, removed when the host ends.
    pub files: Option<TempDir>,
    /// Discards the component's output.
    pub quiet: bool,
}
