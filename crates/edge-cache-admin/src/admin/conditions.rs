//! Conditions on keys besides their names, for the key list, clears and changes of expiries.

use edge_cache::RedisError;
use edge_cache::keyspace::conditions::{Conditions, RefusedCondition};
use edge_cache::keyspace::ttl::MAX_TTL_SECONDS;

use crate::error::Error;
use crate::input::{Fields, Parameters};

/// The names of the conditions, for errors about unknown fields.
pub(crate) const KNOWN: &str = "type, minSizeBytes, maxTtlSeconds, withoutTtl, idleSeconds";

/// The longest name of a type.
const MAX_TYPE_BYTES: usize = 32;
/// The largest size that a condition may ask for: a whole number that every JSON reader represents
/// exactly.
const MAX_SIZE_BYTES: u64 = (1 << 53) - 1;

/// Reads the conditions of a body.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub(crate) fn from_fields(fields: &mut Fields) -> Result<Conditions, Error> {
    check(Conditions {
        kind: fields.string("type")?.unwrap_or_default(),
        min_size_bytes: fields.positive("minSizeBytes", MAX_SIZE_BYTES)?,
        max_ttl_seconds: fields.positive("maxTtlSeconds", MAX_TTL_SECONDS)?,
        without_ttl: fields.flag("withoutTtl")?,
        idle_seconds: fields.positive("idleSeconds", MAX_TTL_SECONDS)?,
    })
}

/// Reads the conditions of a query.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub(crate) fn from_parameters(parameters: &mut Parameters) -> Result<Conditions, Error> {
    check(Conditions {
        kind: parameters.text("type")?.unwrap_or_default(),
        min_size_bytes: parameters.optional_number("minSizeBytes", MAX_SIZE_BYTES)?,
        max_ttl_seconds: parameters.optional_number("maxTtlSeconds", MAX_TTL_SECONDS)?,
        without_ttl: parameters.flag("withoutTtl")?,
        idle_seconds: parameters.optional_number("idleSeconds", MAX_TTL_SECONDS)?,
    })
}

fn check(conditions: Conditions) -> Result<Conditions, Error> {
    let kind = &conditions.kind;
    let is_plain = kind
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_plain || kind.len() > MAX_TYPE_BYTES {
        return Err(Error::invalid(
            "type",
            "must be string, list, set, zset, hash, stream, or a module's type",
        ));
    }

    if conditions.without_ttl && conditions.max_ttl_seconds.is_some() {
        return Err(Error::invalid(
            "withoutTtl",
            "cannot be given together with `maxTtlSeconds`, which only keys with a TTL meet",
        ));
    }
    Ok(conditions)
}

/// The conditions in words, for the audit trail and for cursors; empty without any. A type alone is
/// its name.
pub(crate) fn describe(conditions: &Conditions) -> String {
    let numbers = [
        ("minSizeBytes", conditions.min_size_bytes),
        ("maxTtlSeconds", conditions.max_ttl_seconds),
        ("idleSeconds", conditions.idle_seconds),
    ];
    let numbers = numbers.into_iter();
    let numbers = numbers.filter_map(|(name, number)| Some(format!("{name} {}", number?)));

    let mut parts: Vec<String> = numbers.collect();
    if conditions.without_ttl {
        parts.push("withoutTtl".to_owned());
    }
    if !conditions.kind.is_empty() {
        parts.insert(0, conditions.kind.clone());
    }
    parts.join(", ")
}

/// Explains an error of a walk: a condition or a type that the server does not know.
pub(crate) fn explain(error: RedisError) -> Error {
    if let Some(refused) = RefusedCondition::find(&error) {
        let question = match refused.name {
            "idleSeconds" => "OBJECT IDLETIME",
            _ => "MEMORY USAGE",
        };
        let problem = format!(
            "needs {question}, which this Redis refuses: {}",
            refused.reason
        );
        return Error::invalid(refused.name, problem);
    }

    // Redis 7 finds no keys of an unknown type; Redis 8 and Valkey 8 return an error.
    if error.message.contains("unknown type name") {
        return Error::invalid(
            "type",
            "must be a type that this Redis has, such as string, hash, list, set, zset or stream",
        );
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_and_queries_have_the_same_conditions() {
        let body = br#"{"type":"hash","minSizeBytes":9,"withoutTtl":true,"idleSeconds":60}"#;
        let mut fields = Fields::from_json(body).unwrap();
        let mut parameters =
            Parameters::parse("type=hash&minSizeBytes=9&withoutTtl=true&idleSeconds=60");

        let of_body = from_fields(&mut fields).unwrap();
        let of_query = from_parameters(&mut parameters).unwrap();

        assert_eq!(of_body, of_query);
        assert_eq!(
            describe(&of_body),
            "hash, minSizeBytes 9, idleSeconds 60, withoutTtl"
        );
        fields.reject_unknown("").unwrap();
        parameters.reject_unknown("").unwrap();
    }

    #[test]
    fn a_bad_condition_is_named() {
        for (name, query) in [
            ("type", "type=a%20b"),
            ("minSizeBytes", "minSizeBytes=0"),
            ("maxTtlSeconds", "maxTtlSeconds=x"),
            ("idleSeconds", "idleSeconds=-1"),
            ("withoutTtl", "withoutTtl=yes"),
            ("withoutTtl", "withoutTtl=true&maxTtlSeconds=9"),
        ] {
            let parsed = from_parameters(&mut Parameters::parse(query));
            let problem = parsed.unwrap_err().to_string();
            assert!(problem.starts_with(&format!("`{name}`")), "{problem}");
        }
    }
}
