//! Who may pass, and the trail of who did: tokens, roles, denied attempts, audit records.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use edge_cache::access::{Caller, Role};
use edge_cache::audit::Record;
use edge_cache::{Error, Redis, RedisError, Runtime};
use futures_util::future::{Either, select};

use crate::call::Call;
use crate::log;
use crate::problem::Problem;

/// A request that failed on Redis is answered by then, its audit record tried or not.
const ANSWER_WITHIN: Duration = Duration::from_millis(1800);
/// A change that takes longer is recorded before it ends, too.
pub(crate) const LONG: Duration = Duration::from_secs(1);
/// The least time an audit record is given.
const AUDIT_AT_LEAST: Duration = Duration::from_millis(100);

impl Call {
    /// Lets the request pass if its token has at least this role.
    ///
    /// # Errors
    /// 401 without a valid token, 403 with one whose role is too low, 429 after too many such attempts from one client
    /// address; each attempt is in the audit trail. A valid token is never turned away for others' attempts.
    pub async fn require(&self, role: Role) -> Result<(), Problem> {
        let tokens = &self.instance.config.tokens;
        let token = self.bearer();
        let caller = token.as_ref().and_then(|token| tokens.recognise(token).cloned());
        match caller {
            Some(caller) if caller.role >= role => {
                *self.caller.borrow_mut() = Some(caller);
                Ok(())
            }
            Some(caller) => {
                let needs = role.name();
                let detail =
                    format!("this needs the role {needs}, the token of {} has {}", caller.name, caller.role.name());
                self.record_denied(Some(&caller)).await;
                *self.caller.borrow_mut() = Some(caller);
                Err(Problem::from(Error::RoleTooLow(detail)))
            }
            None if tokens.is_empty() => Err(Problem::unauthenticated(
                "no token is configured, so nobody may pass: set SPIN_VARIABLE_TOKENS to `name:role:sha256-hex-of-token`, \
                 with a role of viewer, operator or admin",
            )),
            None => match self.record_denied(None).await {
                Some(wait) => Err(Problem::too_many_denied(wait.as_secs().max(1))),
                None if token.is_some() => Err(Problem::unauthenticated("this token is not known")),
                None => Err(Problem::unauthenticated("send a token: `Authorization: Bearer <token>`")),
            },
        }
    }

    fn bearer(&self) -> Option<String> {
        let header = self.head.header("authorization")?;
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Records and counts a denied attempt; past the limit, how long the client has to wait. A token that is known but too low is
    /// told so each time: it is not a guess.
    async fn record_denied(&self, caller: Option<&Caller>) -> Option<Duration> {
        let mut record = self.signed(Record::new("denied"), caller);
        record.outcome = "denied".into();
        let path: String = self.path().chars().take(200).collect();
        record.detail = Some(format!("{} {path}", self.method()));
        let audit = self.timing.of(self.instance.audit.within(ANSWER_WITHIN));
        record.write_denied(&audit).await.unwrap_or_else(|error| {
            lost(&record, &error);
            None
        })
    }

    fn signed(&self, mut record: Record, caller: Option<&Caller>) -> Record {
        if let Some(caller) = caller {
            record.who.clone_from(&caller.name);
            record.role = caller.role.name().to_owned();
        }
        record.ip.clone_from(&self.ip);
        record.request_id.clone_from(&self.head.id);
        record
    }

    /// Carries out a change and records it, however it ends; one that takes long also while it runs. `deleted` tells how many keys the report says were removed.
    ///
    /// # Errors
    /// Those of the change. A trail that cannot be written is a warning in the answer and an error in the log.
    pub async fn audited<T>(
        &self,
        record: Record,
        change: impl Future<Output = Result<T, Error>>,
        deleted: impl Fn(&T) -> u64,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let caller = self.caller.borrow().clone();
        let mut record = self.signed(record, caller.as_ref());
        let result = with_trace(&record, &*self.instance.cache, &self.audit(), change).await;
        record.finish(started.elapsed(), result.as_ref().map(&deleted));
        let written = match &result {
            // The same server holds the trail: what is left of the promised time is all it gets.
            Err(Error::Redis(error) | Error::Partial { source: error, .. }) if error.is_connection() => {
                let left = ANSWER_WITHIN.saturating_sub(self.head.started.elapsed()).max(AUDIT_AT_LEAST);
                record.write(&self.timing.of(self.instance.audit.within(left))).await
            }
            _ => record.write(&self.audit()).await,
        };
        if let Err(error) = written {
            lost(&record, &error);
            self.warnings.borrow_mut().push(format!("the audit trail could not be written: {}", error.message));
        }
        result
    }
}

/// Carries out a change; one that takes long is recorded while it runs, or nothing would tell of it when its host stops meanwhile.
pub(crate) async fn with_trace<T>(
    record: &Record,
    clock: &impl Runtime,
    audit: &impl Redis,
    change: impl Future<Output = T>,
) -> T {
    let started = Instant::now();
    let mut change = pin!(change);
    if let Either::Left((result, _)) = select(change.as_mut(), pin!(clock.sleep(LONG))).await {
        return result;
    }
    let trace = async {
        if let Err(error) = record.write_running(started.elapsed(), audit).await {
            log::failure(&record.request_id, "audit.failed", &error.message);
        }
    };
    // The change does not wait for it.
    match select(change, pin!(trace)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), change)) => change.await,
    }
}

/// A record that could not be written is in the log.
pub(crate) fn lost(record: &Record, error: &RedisError) {
    let text = serde_json::to_string(record).unwrap_or_default();
    log::failure(&record.request_id, "audit.failed", &format!("{}; the record: {text}", error.message));
}
