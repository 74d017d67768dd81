//! Which query answers which path, and under which key its answer is cached.

use edge_cache::Error;
use edge_cache::body::Query as Parameters;
use edge_cache_spin::{Config, Database};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

// SQL that SQLite and PostgreSQL both take: names with capitals in quotes, and no function that only one of them has.
const POPULAR: &str = r#"
    SELECT p.id, p.sku, p.name, p.maker, p.price_cents AS "priceCents", p.stock, p.sales_count AS "salesCount",
           c.slug AS "categorySlug", c.name AS "categoryName"
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 ORDER BY p.sales_count DESC, p.id LIMIT 100"#;
const PRODUCT: &str = r#"
    SELECT p.id, p.sku, p.name, p.maker, p.price_cents AS "priceCents", p.stock, p.sales_count AS "salesCount",
           c.slug AS "categorySlug", c.name AS "categoryName"
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 AND p.id = CAST(? AS BIGINT)"#;
const CATEGORY: &str = r#"
    SELECT p.id, p.name, p.maker, p.price_cents AS "priceCents", p.stock
    FROM products p JOIN categories c ON c.id = p.category_id
    WHERE p.is_active = 1 AND c.slug = ? ORDER BY p.sales_count DESC, p.id"#;
const SEARCH: &str = r#"
    SELECT id, name, maker, price_cents AS "priceCents" FROM products
    WHERE is_active = 1
      AND replace(lower(name || ' ' || maker || ' ' || sku), ?, '') <> lower(name || ' ' || maker || ' ' || sku)
    ORDER BY sales_count DESC, id LIMIT 50"#;
const BRANDS: &str = r#"
    SELECT id, slug, name, country_code AS "countryCode", popularity
    FROM vehicle_brands ORDER BY popularity DESC, id LIMIT 20"#;
const MODELS: &str = r#"
    SELECT brand_id AS "brandId", id, slug, name, year_from AS "yearFrom", popularity
    FROM vehicle_models WHERE brand_id = CAST(? AS BIGINT) ORDER BY popularity DESC, id"#;
const USERS: &str = r#"
    SELECT COUNT(*) AS accounts, SUM(is_active) AS active,
           SUM(CASE WHEN role = 'admin' AND is_active = 1 THEN 1 ELSE 0 END) AS admins,
           SUM(order_count) AS orders, SUM(spent_cents) AS "spentCents", MAX(last_login_at) AS "lastLoginAt"
    FROM users"#;
const SETTING: &str = r#"
    SELECT key, value, environment, updated_at AS "updatedAt" FROM settings WHERE is_active = 1 AND key = ?"#;
const PAGE: &str = r#"
    SELECT slug, title, description, keywords, canonical_url AS "canonicalUrl" FROM seo_pages WHERE slug = ?"#;

/// A query with its parameter, and where its answer is cached.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) key: String,
    pub(crate) tags: &'static [&'static str],
    sql: &'static str,
    parameter: Option<String>,
    /// Whether the answer is one object, or none; else a list.
    one: bool,
}

/// Whether this is the path of a product, there or not.
pub(crate) fn is_product(path: &str) -> bool {
    path.strip_prefix("/api/products/").is_some_and(|id| !id.contains('/') && !["popular", "search"].contains(&id))
}

/// The id in `/api/products/{id}`.
pub(crate) fn product_id(path: &str) -> Option<&str> {
    path.strip_prefix("/api/products/").filter(|id| is_id(id))
}

/// Digits that make a 64-bit number, written in one way only: what is cached under an id is invalidated under the same.
fn is_id(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

impl Query {
    /// The query that answers a path, if one does.
    pub(crate) fn of(path: &str, parameters: &str) -> Result<Option<Self>, Error> {
        let segments: Vec<String> = path.split('/').skip(2).map(edge_cache::body::decode_segment).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // No database has such text, and PostgreSQL refuses to look for it.
        if segments.iter().any(|segment| segment.contains('\0')) {
            return Ok(None);
        }
        let mut parameters = Parameters::parse(parameters);
        let query = match segments.as_slice() {
            ["products", "popular"] => many("products:popular:list", POPULAR, None, &["product-catalog"]),
            ["products", "search"] => {
                let words = parameters.text("q")?.map(|words| words.trim().to_lowercase()).unwrap_or_default();
                if !(2..=100).contains(&words.chars().count()) || words.contains('\0') {
                    return Err(Error::invalid("q", "must have 2 to 100 characters"));
                }
                many(&format!("products:search:{words}"), SEARCH, Some(&words), &["product-catalog"])
            }
            ["products", "category", slug] => {
                many(&format!("products:category:{slug}:list"), CATEGORY, Some(slug), &["product-catalog"])
            }
            ["products", id] if product_id(path).is_some() => {
                one(&format!("products:{id}:details"), PRODUCT, Some(id), &["product-catalog"])
            }
            ["vehicles", "brands"] => many("vehicles:brands:top20", BRANDS, None, &["vehicle-catalog"]),
            ["vehicles", "brand", id, "models"] if is_id(id) => {
                many(&format!("vehicles:brand:{id}:models"), MODELS, Some(id), &["vehicle-catalog"])
            }
            ["users", "stats"] => one("users:stats", USERS, None, &["user-data"]),
            // Names with colons are those of whole lists, as warmups write them.
            ["config", key] if !key.contains(':') => one(&format!("config:{key}"), SETTING, Some(key), &["config"]),
            ["seo", "page", slug] => one(&format!("seo:page:{slug}:metatags"), PAGE, Some(slug), &["seo"]),
            _ => return Ok(None),
        };
        parameters.finish("q, for /api/products/search")?;
        Ok(Some(query))
    }

    /// Asks the database. The answer is JSON as it is stored and sent: a cached one is neither read nor written again.
    pub(crate) async fn run(&self, config: &Config) -> Result<Box<RawValue>, String> {
        let parameters: Vec<&str> = self.parameter.as_deref().into_iter().collect();
        let answer = Database::open(config).await?.ask(self.sql, &parameters).await?;
        let mut objects = answer
            .rows
            .into_iter()
            .map(|row| Value::Object(answer.columns.iter().cloned().zip(row).collect::<Map<_, _>>()));
        let answer = if self.one { objects.next().unwrap_or(Value::Null) } else { objects.collect() };
        to_raw_value(&answer).map_err(|error| error.to_string())
    }
}

fn many(key: &str, sql: &'static str, parameter: Option<&str>, tags: &'static [&'static str]) -> Query {
    Query { key: key.to_owned(), tags, sql, parameter: parameter.map(str::to_owned), one: false }
}

fn one(key: &str, sql: &'static str, parameter: Option<&str>, tags: &'static [&'static str]) -> Query {
    Query { one: true, ..many(key, sql, parameter, tags) }
}
