//! The status, the problem type and the advice for each error. No other file maps errors to HTTP.

use edge_cache::{ErrorKind, RedisError, TlsFault};
use edge_cache_admin::Error;

use crate::http::problem::Problem;

/// Seconds after which a client may retry while Redis is unavailable.
const RETRY_AFTER_SECONDS: &str = "1";
/// Seconds until a retry, after which one of the unfinished jobs has probably ended.
const RETRY_JOB_AFTER_SECONDS: &str = "30";
/// Seconds after which one of the running walks has probably ended.
const RETRY_WALK_AFTER_SECONDS: &str = "5";

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();

        match error {
            Error::Malformed(_) => Self::new(400, "malformed-body", "Bad Request", detail),
            Error::ConfirmationRequired(_) => {
                Self::new(400, "confirmation-required", "Bad Request", detail)
            }
            Error::Invalid { field, .. } => {
                Self::new(422, "invalid-field", "Unprocessable Content", detail)
                    .with_member("field", field)
            }
            Error::RoleTooLow(_) => Self::new(403, "role-too-low", "Forbidden", detail),
            Error::NotFound(_) => Self::new(404, "not-found", "Not Found", detail),
            Error::MissingKey { load_lock, .. } => {
                let problem = Self::new(404, "not-found", "Not Found", detail);
                match serde_json::to_value(load_lock) {
                    Ok(lock) if lock.is_object() => problem.with_member("loadLock", lock),
                    _ => problem,
                }
            }
            Error::Conflict(_) => Self::new(409, "already-running", "Conflict", detail),
            Error::ValueChanged { hash } => {
                Self::new(409, "value-changed", "Conflict", detail).with_member("hash", hash)
            }
            Error::NotEditable(_) => Self::new(409, "not-editable", "Conflict", detail),
            Error::NotDownloadable(_) => Self::new(409, "not-downloadable", "Conflict", detail),
            Error::Gone(_) => Self::new(410, "undo-expired", "Gone", detail),
            Error::JobState(_) => Self::new(409, "job-state", "Conflict", detail),
            Error::CountChanged { .. } => Self::new(409, "count-changed", "Conflict", detail),
            Error::TooManyJobs(_) => Self::new(429, "too-many-jobs", "Too Many Requests", detail)
                .with_header("retry-after", RETRY_JOB_AFTER_SECONDS),
            Error::TooManyWalks => Self::new(429, "too-many-walks", "Too Many Requests", detail)
                .with_header("retry-after", RETRY_WALK_AFTER_SECONDS),
            Error::WalkTooLong(_) | Error::CountTooLong(_) => {
                Self::new(503, "walk-too-long", "Service Unavailable", detail)
            }
            Error::Full(_) => Self::new(503, "memory-alert", "Service Unavailable", detail),
            Error::Redis(source) => Self::from(source),
            Error::Partial { deleted, source } => Self::from(source)
                .with_member("keysDeleted", deleted)
                .with_detail(detail),
            Error::PartlyChanged { changed, source } => Self::from(source)
                .with_member("keysChanged", changed)
                .with_detail(detail),
        }
    }
}

impl From<edge_cache::Error> for Problem {
    fn from(error: edge_cache::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        let Some(Advice { type_name, text }) = advice(error.kind) else {
            return wrong_type(error);
        };

        let detail = format!("{text}: {}", error.message);
        let problem = Self::new(503, type_name, "Service Unavailable", detail);

        // A wrong TLS setting does not correct itself.
        let is_temporary = error.is_unavailable() && !matches!(error.kind, ErrorKind::Tls(_));
        if is_temporary {
            problem.with_header("retry-after", RETRY_AFTER_SECONDS)
        } else {
            problem
        }
    }
}

/// 409 for a key that holds another type than edge-cache keeps there.
fn wrong_type(error: RedisError) -> Problem {
    let detail = format!(
        "a key holds a value of another type: {}. Rename or remove it first",
        error.message
    );
    let problem = Problem::new(409, "redis-wrong-type", "Conflict", detail);
    match error.key {
        Some(key) => problem.with_member("key", key),
        None => problem,
    }
}

/// A problem type, and the advice that its detail begins with.
#[derive(Clone, Copy)]
struct Advice {
    type_name: &'static str,
    text: &'static str,
}

impl Advice {
    const fn new(type_name: &'static str, text: &'static str) -> Self {
        Self { type_name, text }
    }
}

const UNREACHABLE: Advice = Advice::new(
    "redis-unreachable",
    "Redis cannot be reached; check that it runs and has room for another client, and that redis_host and \
     redis_port are right",
);
const TIMEOUT: Advice = Advice::new("redis-timeout", "Redis may be overloaded or cut off");
const AUTHENTICATION: Advice = Advice::new(
    "redis-authentication",
    "Redis refused the login; check redis_username and redis_password",
);
const PERMISSION: Advice = Advice::new("redis-permission", "the Redis user lacks a permission");
const OUT_OF_MEMORY: Advice = Advice::new(
    "redis-out-of-memory",
    "Redis is full and may not evict; clear keys or raise maxmemory",
);
const READ_ONLY: Advice = Advice::new(
    "redis-read-only",
    "this Redis is a read-only replica; point redis_host at the primary",
);
const LOADING: Advice = Advice::new(
    "redis-loading",
    "Redis is loading its data or has lost its primary; try again shortly",
);
const BUSY: Advice = Advice::new(
    "redis-busy",
    "Redis is busy running a long script; try again shortly",
);
const PERSISTENCE_FAILED: Advice = Advice::new(
    "redis-misconf",
    "Redis refuses writes because it cannot save to disk",
);
const NOT_ENOUGH_REPLICAS: Advice = Advice::new(
    "redis-not-enough-replicas",
    "Redis refuses writes because too few replicas follow it; see min-replicas-to-write",
);
const CLUSTER: Advice = Advice::new(
    "redis-cluster",
    "the Redis Cluster does not serve this key now: its slot is moving or has no node; try again shortly",
);
const CLUSTER_DATABASE: Advice = Advice::new(
    "redis-cluster-database",
    "a Redis Cluster has one logical database; set redis_db to 0",
);
const SENTINEL_UNSUPPORTED: Advice = Advice::new(
    "sentinel-not-supported",
    "point redis_host and redis_port at the primary, not at a Sentinel",
);
const TOO_MANY_CONNECTIONS: Advice = Advice::new(
    "too-many-connections",
    "there is no room for another connection to Redis",
);
const ADDRESS_FORBIDDEN: Advice =
    Advice::new("address-forbidden", "the Redis address is not allowed");
const OTHER_ERROR: Advice = Advice::new("redis-error", "Redis replied with an error");
const TLS_UNTRUSTED: Advice = Advice::new(
    "redis-tls-untrusted",
    "the certificate of Redis is not signed by an authority this host trusts; add its CA to the host's trusted \
     ones (SSL_CERT_FILE)",
);
const TLS_HOST_NAME: Advice = Advice::new(
    "redis-tls-host-name",
    "the certificate of Redis is for another host name; set redis_host to a name in it",
);
const TLS_EXPIRED: Advice = Advice::new(
    "redis-tls-expired",
    "the certificate of Redis has expired or is not valid yet; renew it, or check the clock",
);
const TLS_PLAIN_SERVER: Advice = Advice::new(
    "redis-tls-not-spoken",
    "Redis does not speak TLS on this port; set redis_tls to false, or use its TLS port",
);
const TLS_REQUIRED: Advice = Advice::new(
    "redis-tls-required",
    "Redis expects TLS on this port; set redis_tls to true",
);
const TLS_OTHER: Advice = Advice::new(
    "redis-tls",
    "TLS could not be agreed on with Redis; check its TLS versions and certificate",
);

/// Advice for a failure of Redis; `None` for a wrong type, which is the only one that is not a 503.
fn advice(kind: ErrorKind) -> Option<Advice> {
    Some(match kind {
        ErrorKind::Unreachable => UNREACHABLE,
        ErrorKind::Timeout => TIMEOUT,
        ErrorKind::Authentication => AUTHENTICATION,
        ErrorKind::Permission => PERMISSION,
        ErrorKind::OutOfMemory => OUT_OF_MEMORY,
        ErrorKind::ReadOnly => READ_ONLY,
        ErrorKind::Loading => LOADING,
        ErrorKind::Busy => BUSY,
        ErrorKind::PersistenceFailed => PERSISTENCE_FAILED,
        ErrorKind::NotEnoughReplicas => NOT_ENOUGH_REPLICAS,
        ErrorKind::Cluster => CLUSTER,
        ErrorKind::ClusterDatabase => CLUSTER_DATABASE,
        ErrorKind::SentinelUnsupported => SENTINEL_UNSUPPORTED,
        ErrorKind::TooManyConnections => TOO_MANY_CONNECTIONS,
        ErrorKind::AddressForbidden => ADDRESS_FORBIDDEN,
        ErrorKind::NoScript | ErrorKind::Protocol | ErrorKind::Server => OTHER_ERROR,
        ErrorKind::Tls(fault) => tls_advice(fault),
        ErrorKind::WrongType => return None,
    })
}

fn tls_advice(fault: TlsFault) -> Advice {
    match fault {
        TlsFault::Untrusted => TLS_UNTRUSTED,
        TlsFault::HostName => TLS_HOST_NAME,
        TlsFault::Expired => TLS_EXPIRED,
        TlsFault::PlainServer => TLS_PLAIN_SERVER,
        TlsFault::TlsServer => TLS_REQUIRED,
        TlsFault::Other => TLS_OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_failure_reports_the_keys_already_removed() {
        let source = RedisError::new(ErrorKind::Unreachable, "broken pipe");

        let problem = Problem::from(Error::Partial {
            deleted: 47,
            source,
        });

        let body = problem.body("r1");
        assert_eq!(problem.status, 503);
        assert_eq!(body["keysDeleted"], 47);
        assert_eq!(body["success"], false);
        assert!(problem.detail().contains("47 keys"), "{body}");
    }

    #[test]
    fn a_key_of_another_type_is_a_conflict_that_a_retry_does_not_solve() {
        let message = "`cache:ttl` is a string, and edge-cache keeps a hash there";
        let source = RedisError {
            key: Some("cache:ttl".to_owned()),
            ..RedisError::new(ErrorKind::WrongType, message)
        };

        let problem = Problem::from(Error::Partial { deleted: 3, source });

        let body = problem.body("r1");
        assert_eq!(problem.status, 409);
        assert_eq!(body["key"], "cache:ttl");
        assert_eq!(body["keysDeleted"], 3);
        assert!(problem.detail().contains("Rename or remove that key"));
        assert!(!problem.detail().contains("continues"), "{body}");
    }

    #[test]
    fn a_walk_that_took_too_long_is_not_one_too_many() {
        let limit = std::time::Duration::from_secs(30);

        let too_long = Problem::from(Error::WalkTooLong(limit));
        let too_many = Problem::from(Error::TooManyWalks);

        let kind = |problem: &Problem| problem.body("r1")["type"].clone();
        assert_eq!(too_long.status, 503);
        assert_eq!(kind(&too_long), "urn:edge-cache:problem:walk-too-long");
        assert!(too_long.detail().contains("after 30 s"));
        assert!(too_long.headers.is_empty(), "a retry takes as long");
        let uncounted = Problem::from(Error::CountTooLong(limit));
        assert_eq!(kind(&uncounted), kind(&too_long));
        assert!(uncounted.detail().contains("a dry run as a job"));
        assert_eq!(too_many.status, 429);
        assert_eq!(kind(&too_many), "urn:edge-cache:problem:too-many-walks");
        assert_eq!(too_many.headers, [("retry-after", "5".to_owned())]);
    }

    #[test]
    fn an_invalid_field_is_named() {
        let problem = Problem::from(Error::invalid("keys[3]", "must be a string"));

        assert_eq!(problem.status, 422);
        assert_eq!(problem.body("r1")["field"], "keys[3]");
    }

    #[test]
    fn only_a_failure_that_may_end_soon_suggests_a_retry() {
        let suggests_retry = |kind: ErrorKind| {
            let problem = Problem::from(RedisError::new(kind, "text"));
            problem
                .headers
                .iter()
                .any(|(name, _)| *name == "retry-after")
        };

        assert!(suggests_retry(ErrorKind::Unreachable));
        assert!(!suggests_retry(ErrorKind::Tls(TlsFault::Untrusted)));
        assert!(!suggests_retry(ErrorKind::Permission));
    }
}
