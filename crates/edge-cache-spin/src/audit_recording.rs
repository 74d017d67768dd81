//! Recording in the audit trail: changes with their intent and outcome, and denied attempts.

use std::future::Future;
use std::time::{Duration, Instant};

use edge_cache::{Redis, RedisError};
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::{AuditOutcome, AuditRecord, IntentId, TrailPlace};

use crate::auth::Caller;
use crate::http::call::Call;
use crate::http::request_id::random_id;
use crate::log;

/// Time limit of a response when Redis is unavailable, counted from the request's arrival. Writing
/// the audit record gets the rest of it.
const RESPONSE_TIME_LIMIT: Duration = Duration::from_millis(1800);
/// Time that writing an audit record gets at least.
const MIN_RECORD_TIME: Duration = Duration::from_millis(100);
/// Longest path in a record, in characters.
const MAX_PATH_CHARACTERS: usize = 200;

impl Call {
    /// Finds out where the audit trail is stored.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn trail_place(&self) -> Result<TrailPlace, RedisError> {
        self.instance.audit.place().await
    }

    /// Like [`Call::trail_place`], with a deadline `limit` after the request's arrival; `None` if
    /// the place is not known by then.
    pub async fn trail_place_within(&self, limit: Duration) -> Option<TrailPlace> {
        let audit = self.instance.audit.within(self.remaining(limit));
        audit.place().await.ok()
    }

    /// Makes a change and records it: its intent before it begins, its outcome however it ends.
    /// `count_deleted` returns the number of keys that the change removed. Cost: two round trips
    /// beside those of the change.
    ///
    /// # Errors
    /// Those of the change. It does not begin if Redis is unavailable for its intent. If Redis
    /// refuses a record, the response has a warning and the log has the record.
    pub async fn run_audited<T>(
        &self,
        record: AuditRecord,
        change: impl Future<Output = Result<T, Error>>,
        count_deleted: impl Fn(&T) -> u64,
    ) -> Result<T, Error> {
        self.run_audited_with(record, change, |report, record| {
            record.keys_deleted = count_deleted(report);
        })
        .await
    }

    /// Like [`Call::run_audited`]; after a successful change, `complete` adds its counts to the
    /// record.
    ///
    /// # Errors
    /// Those of [`Call::run_audited`].
    pub async fn run_audited_with<T>(
        &self,
        record: AuditRecord,
        change: impl Future<Output = Result<T, Error>>,
        complete: impl Fn(&T, &mut AuditRecord),
    ) -> Result<T, Error> {
        let began = Instant::now();
        let mut record = self.sign_for_caller(record).as_operation(&random_id());
        let (intent, result) = match record_intent(&record, &self.audit_redis()).await {
            Ok(intent) => {
                record.operation_id = intent.operation_id(&record);
                self.operation_id.replace(record.operation_id.clone());
                (intent, change.await)
            }
            Err(error) => {
                record.operation_id = None;
                (IntentId::none(), Err(error.into()))
            }
        };

        record.finish(began.elapsed(), result.as_ref().map(|_| 0));
        if let Ok(report) = &result {
            complete(report, &mut record);
        }
        self.record_outcome(&record, &intent, result.as_ref().err())
            .await;
        result
    }

    /// Records a change that failed before it began.
    pub async fn record_not_started(&self, record: AuditRecord, error: &Error) {
        let mut record = self.sign_for_caller(record);
        record.finish(self.head.arrived.elapsed(), Err(error));
        self.record_outcome(&record, &IntentId::none(), Some(error))
            .await;
    }

    /// Records and counts a denied attempt, and adds `uncounted` earlier ones to the count. Returns
    /// how long the client has to wait if it has had too many.
    pub(crate) async fn record_denied(
        &self,
        caller: Option<&Caller>,
        uncounted: u64,
    ) -> Option<Duration> {
        let mut record = self.sign(AuditRecord::new("denied"), caller);
        record.outcome = AuditOutcome::Denied;
        let path: String = self.path().chars().take(MAX_PATH_CHARACTERS).collect();
        record.detail = Some(format!("{} {path}", self.method()));

        let audit = self.instance.audit.within(RESPONSE_TIME_LIMIT);
        let written = record
            .write_denied(uncounted, &self.timing.measure(audit))
            .await;
        written.unwrap_or_else(|error| {
            log_unwritten_record(&record, &error);
            None
        })
    }

    fn sign_for_caller(&self, record: AuditRecord) -> AuditRecord {
        let caller = self.caller.borrow().clone();
        self.sign(record, caller.as_ref())
    }

    /// Fills in who sent the request, and from where.
    fn sign(&self, mut record: AuditRecord, caller: Option<&Caller>) -> AuditRecord {
        if let Some(caller) = caller {
            record.who.clone_from(&caller.name);
            record.role = caller.role.name().to_owned();
        }
        record.ip.clone_from(&self.client_address);
        record.request_id.clone_from(&self.head.id);
        record
    }

    /// Writes a record's outcome. If Redis refuses it, adds a warning to the response and logs the
    /// record.
    async fn record_outcome(&self, record: &AuditRecord, intent: &IntentId, error: Option<&Error>) {
        let written = if error.is_some_and(is_unavailable) {
            // The trail is on the same server, so this attempt must not delay the response.
            let rest = self.remaining(RESPONSE_TIME_LIMIT).max(MIN_RECORD_TIME);
            let audit = self.timing.measure(self.instance.audit.within(rest));
            record.write_outcome(intent, &audit).await
        } else {
            record.write_outcome(intent, &self.audit_redis()).await
        };

        if let Err(error) = written {
            log_unwritten_record(record, &error);
            self.warnings.borrow_mut().push(format!(
                "the audit trail could not be written: {}",
                error.message
            ));
        }
    }
}

/// True if a change failed because Redis is unavailable.
fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::Redis(source)
        | Error::Partial { source, .. }
        | Error::PartlyChanged { source, .. } => source.is_unavailable(),
        _ => false,
    }
}

/// Records an intent. A trail that refuses it must not prevent anybody from clearing a cache: the
/// record is logged, and the change goes on.
///
/// # Errors
/// Redis is unavailable, or has no room for another connection. The change must not begin, because
/// nothing would record it.
pub(crate) async fn record_intent(
    record: &AuditRecord,
    audit: &impl Redis,
) -> Result<IntentId, RedisError> {
    match record.write_intent(audit).await {
        Err(error) if !error.is_unavailable() => {
            let intent = AuditRecord {
                outcome: AuditOutcome::Running,
                ..record.clone()
            };
            log_unwritten_record(&intent, &error);
            Ok(IntentId::none())
        }
        opened => opened,
    }
}

/// Logs a record that could not be written, in one line of at most about 5 KiB.
pub(crate) fn log_unwritten_record(record: &AuditRecord, error: &RedisError) {
    log::unwritten_record(&record.bounded(), &error.message);
}
