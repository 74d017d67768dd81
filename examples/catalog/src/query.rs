//! The query that answers a path, and the key under which its result is cached.

use edge_cache_admin::Error;
use edge_cache_admin::input::Parameters;
use edge_cache_spin::{Config, Database};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::sql;

/// The longest id, slug or name of a setting in a path.
const MAX_SEGMENT_BYTES: usize = 256;

const PRODUCT_TAGS: &[&str] = &["product-catalog"];
const VEHICLE_TAGS: &[&str] = &["vehicle-catalog"];
const USER_TAGS: &[&str] = &["user-data"];
const SETTING_TAGS: &[&str] = &["config"];
const SEO_TAGS: &[&str] = &["seo"];

/// A query with its parameter, and the key and tags of its cached result.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) key: String,
    pub(crate) tags: &'static [&'static str],
    sql: &'static str,
    parameter: Option<String>,
    result: ResultShape,
}

#[derive(Debug, Clone, Copy)]
enum ResultShape {
    List,
    /// One object, or `null`.
    Object,
}

/// True for the path of one product, which may not exist.
pub(crate) fn is_product(path: &str) -> bool {
    path.strip_prefix("/api/products/")
        .is_some_and(|id| !id.contains('/') && !["popular", "search"].contains(&id))
}

/// The id in `/api/products/{id}`.
pub(crate) fn product_id(path: &str) -> Option<&str> {
    path.strip_prefix("/api/products/").filter(|id| is_id(id))
}

/// True for the only spelling of a positive number of up to 18 digits, so that an id has one key,
/// and an invalidation of that key is enough.
fn is_id(text: &str) -> bool {
    (1..=18).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
}

/// True if the database can hold the text (PostgreSQL refuses NUL) and it is short enough for a
/// key: texts of any length would fill the cache.
fn is_acceptable(segment: &str) -> bool {
    !segment.contains('\0') && segment.len() <= MAX_SEGMENT_BYTES
}

impl Query {
    /// The query that answers a path; `None` for an unknown one.
    pub(crate) fn for_path(path: &str, parameters: &str) -> Result<Option<Self>, Error> {
        let segments: Vec<String> = path
            .split('/')
            .skip(2)
            .map(edge_cache_spin::decode_segment)
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if !segments.iter().all(|segment| is_acceptable(segment)) {
            return Ok(None);
        }

        let mut parameters = Parameters::parse(parameters);
        let query = match segments.as_slice() {
            ["products", "search"] => Some(search(&mut parameters)?),
            ["products", id] if product_id(path).is_some() => Some(product(id)),
            ["products", rest @ ..] => products(rest),
            ["vehicles", rest @ ..] => vehicles(rest),
            ["users", "stats"] => {
                Some(Self::object("users:stats", sql::USER_STATISTICS, USER_TAGS))
            }
            // Keys with further colons hold whole lists, which the warmup writes.
            ["config", key] if !key.contains(':') => Some(setting(key)),
            ["seo", "page", slug] => Some(page(slug)),
            _ => None,
        };

        if query.is_some() {
            parameters.reject_unknown("q, for /api/products/search")?;
        }
        Ok(query)
    }

    fn list(key: impl Into<String>, sql: &'static str, tags: &'static [&'static str]) -> Self {
        Self {
            key: key.into(),
            tags,
            sql,
            parameter: None,
            result: ResultShape::List,
        }
    }

    fn object(key: impl Into<String>, sql: &'static str, tags: &'static [&'static str]) -> Self {
        Self {
            result: ResultShape::Object,
            ..Self::list(key, sql, tags)
        }
    }

    fn with_parameter(self, parameter: &str) -> Self {
        Self {
            parameter: Some(parameter.to_owned()),
            ..self
        }
    }

    /// Runs the query. The result is JSON as it is stored and sent, so a hit is neither parsed nor
    /// serialised.
    pub(crate) async fn run(&self, config: &Config) -> Result<Box<RawValue>, String> {
        let parameters: Vec<&str> = self.parameter.as_deref().into_iter().collect();
        let database = Database::open(config).await?;
        let result = database.query(self.sql, &parameters).await?;

        let mut objects = result.rows.into_iter().map(|row| {
            let members: Map<String, Value> = result.columns.iter().cloned().zip(row).collect();
            Value::Object(members)
        });
        let json = match self.result {
            ResultShape::Object => objects.next().unwrap_or(Value::Null),
            ResultShape::List => objects.collect(),
        };
        to_raw_value(&json).map_err(|error| error.to_string())
    }
}

fn search(parameters: &mut Parameters) -> Result<Query, Error> {
    let words = parameters.text("q")?.unwrap_or_default();
    let words = words.trim().to_lowercase();
    if !(2..=100).contains(&words.chars().count()) || words.contains('\0') {
        return Err(Error::invalid("q", "must have 2 to 100 characters"));
    }

    let key = format!("products:search:{words}");
    Ok(Query::list(key, sql::SEARCH_PRODUCTS, PRODUCT_TAGS).with_parameter(&words))
}

fn product(id: &str) -> Query {
    let key = format!("products:{id}:details");
    Query::object(key, sql::PRODUCT_BY_ID, PRODUCT_TAGS).with_parameter(id)
}

fn products(segments: &[&str]) -> Option<Query> {
    match segments {
        ["popular"] => Some(Query::list(
            "products:popular:list",
            sql::POPULAR_PRODUCTS,
            PRODUCT_TAGS,
        )),
        ["category", slug] => {
            let key = format!("products:category:{slug}:list");
            let query = Query::list(key, sql::PRODUCTS_OF_CATEGORY, PRODUCT_TAGS);
            Some(query.with_parameter(slug))
        }
        _ => None,
    }
}

fn vehicles(segments: &[&str]) -> Option<Query> {
    match segments {
        ["brands"] => Some(Query::list(
            "vehicles:brands:top20",
            sql::TOP_BRANDS,
            VEHICLE_TAGS,
        )),
        ["brand", id, "models"] if is_id(id) => {
            let key = format!("vehicles:brand:{id}:models");
            let query = Query::list(key, sql::MODELS_OF_BRAND, VEHICLE_TAGS);
            Some(query.with_parameter(id))
        }
        _ => None,
    }
}

fn setting(key: &str) -> Query {
    Query::object(format!("config:{key}"), sql::SETTING_BY_KEY, SETTING_TAGS).with_parameter(key)
}

fn page(slug: &str) -> Query {
    let key = format!("seo:page:{slug}:metatags");
    Query::object(key, sql::PAGE_BY_SLUG, SEO_TAGS).with_parameter(slug)
}
