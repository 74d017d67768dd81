//! The sample catalogue of an auto-parts shop, as one SQL script.
//!
//! The sample shop and its warmup plan read it. The script fills an empty database of SQLite (3.35
//! or later) or PostgreSQL (15 or later). Every statement keeps existing tables and rows, so running
//! it again changes nothing. The same seed gives the same bytes on every machine: nothing here uses
//! the clock, the locale or floating-point numbers.

mod categories;
mod engines;
mod error;
mod people;
mod products;
mod random;
mod seo_pages;
mod settings;
mod slug;
mod sql;
mod template;
mod timestamp;
mod users;
mod vehicles;
mod words;

pub use error::Error;
pub use sql::Dialect;

use categories::Categories;
use products::Products;
use seo_pages::SeoPages;
use settings::Settings;
use sql::Script;
use users::Users;
use vehicles::Vehicles;

/// The seed of the catalogue described in `data/README.md`.
pub const DEFAULT_SEED: u64 = 1;

/// The script for both databases: ASCII, about 1.2 MB, one transaction of `CREATE TABLE IF NOT
/// EXISTS` and `INSERT ... ON CONFLICT DO NOTHING` statements with up to 250 rows each.
///
/// Eight tables: `categories`, `vehicle_brands`, `vehicle_models`, `vehicle_types`, `products`,
/// `users`, `settings` and `seo_pages`. Ids are 1, 2, 3, ... in each. Money is euro cents, a time
/// is RFC 3339 UTC text, a flag is 0 or 1.
///
/// ```
/// let sql = sample_catalogue::catalogue_sql(sample_catalogue::DEFAULT_SEED)?;
/// assert!(sql.contains("INSERT INTO products"));
/// assert_eq!(sql, sample_catalogue::catalogue_sql(sample_catalogue::DEFAULT_SEED)?);
/// # Ok::<(), sample_catalogue::Error>(())
/// ```
///
/// # Errors
///
/// [`Error`] when a word list is malformed or too short, which the tests of this crate exclude.
pub fn catalogue_sql(seed: u64) -> Result<String, Error> {
    catalogue(seed, Dialect::Portable)
}

/// The script with the same rows as [`catalogue_sql`], for both databases or for one.
///
/// ```
/// use sample_catalogue::{DEFAULT_SEED, Dialect, catalogue};
///
/// let sql = catalogue(DEFAULT_SEED, Dialect::Postgres)?;
/// assert!(sql.contains("id BIGINT PRIMARY KEY"));
/// # Ok::<(), sample_catalogue::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`catalogue_sql`].
pub fn catalogue(seed: u64, dialect: Dialect) -> Result<String, Error> {
    let categories = Categories::generate()?;
    let vehicles = Vehicles::generate(seed)?;
    let products = Products::generate(seed, &categories, &vehicles)?;
    let users = Users::generate(seed)?;
    let settings = Settings::generate(seed)?;
    let seo_pages = SeoPages::generate(seed, &categories, &vehicles)?;

    let mut script = Script::new(seed, dialect);
    categories.write(&mut script);
    vehicles.write(&mut script);
    products.write(&mut script);
    users.write(&mut script);
    settings.write(&mut script);
    seo_pages.write(&mut script);
    Ok(script.finish())
}
