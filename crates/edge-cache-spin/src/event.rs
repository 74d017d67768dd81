//! Domain events: over HTTP, and as messages of a Redis channel. Both use the same rules: those of the
//! configuration file, and their overrides.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_cache::keyspace::gathered::{FinishedWalk, Turn};
use edge_cache::redis::Replies;
use edge_cache::{Command, Redis, RedisError};
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::IntentId;
use edge_cache_admin::admin::events::{self, DomainEvent, EventRules, RemovalTurn};
use edge_cache_admin::admin::invalidate::InvalidateReport;
use edge_cache_admin::admin::rule_table;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::input::FileError;

use crate::audit_recording::{log_unwritten_record, record_intent};
use crate::configuration;
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::request_id::random_id;
use crate::instance::{Instance, instance};
use crate::invalidation::count_purged;
use crate::log;

/// How long an instance uses the overrides of rules before it reads them again.
const OVERRIDES_AGE: Duration = Duration::from_millis(500);

thread_local! {
    /// The rules in force, and when their overrides were read.
    static RULES: RefCell<Option<(Instant, Rc<EventRules>)>> = const { RefCell::new(None) };
}

/// Returns the rules in force. If their overrides cannot be read: those of the file, and the reason. One
/// round trip at most twice a second, else none.
async fn rules_in_force(
    redis: &impl Redis,
) -> Result<(Rc<EventRules>, Option<RedisError>), FileError> {
    let now = Instant::now();
    let known = RULES.with_borrow(Option::clone);
    if let Some((read_at, rules)) = known
        && now.duration_since(read_at) < OVERRIDES_AGE
    {
        return Ok((rules, None));
    }

    let configured = configuration::read(Configuration::rules)?;
    match rule_table::read_overrides(redis).await {
        Ok(overrides) => {
            let rules = Rc::new(configured.with_overrides(overrides));
            RULES.set(Some((now, Rc::clone(&rules))));
            Ok((rules, None))
        }
        Err(error) => Ok((Rc::new(configured), Some(error))),
    }
}

/// Parses an event, and counts one that is refused.
async fn parse(
    redis: &impl Redis,
    payload: &[u8],
) -> Result<Result<DomainEvent, Error>, FileError> {
    let (rules, unknown_overrides) = rules_in_force(redis).await?;
    let parsed = DomainEvent::parse(payload, &rules);
    Ok(match (parsed, unknown_overrides) {
        (Ok(event), unknown) => Ok(event.without_overrides(unknown)),
        // An override may have a rule for it, or need other fields.
        (Err(Error::Invalid { .. }), Some(unknown)) => Err(unknown.into()),
        (Err(error), Some(_)) => Err(error),
        (Err(error), None) => {
            // Counting is secondary. Its failure must not hide the event's own.
            let _ = events::count_event(redis, "refused").await;
            Err(error)
        }
    })
}

/// Handles a message of the channel: invalidates what the rules for its event define. A message
/// that fails is logged and counted, and does not stop the next one.
///
/// # Errors
/// The failure, for the host's log.
pub async fn handle_event(payload: &[u8]) -> Result<(), String> {
    let instance = instance()
        .await
        .map_err(|bad| format!("the variable {} {}", bad.name, bad.problem))?;
    if let Some(turn) = RemovalTurn::parse(payload) {
        return remove_in_turns(&instance, &turn).await.map_err(|error| {
            log::failure("-", "event.removal_failed", &error.to_string());
            error.to_string()
        });
    }

    let parsed = parse(&instance.redis, payload).await.map_err(|error| {
        log::failure("-", "event.failed", &error.to_string());
        error.to_string()
    })?;
    let result = match parsed {
        Ok(event) => run_recorded(&instance, event).await,
        Err(error) => Err(error),
    };
    result.map_err(|error| {
        log::failure("-", "event.failed", &error.to_string());
        error.to_string()
    })
}

/// Runs the invalidations of an event from the channel, recorded as an automatic change.
async fn run_recorded(instance: &Instance, event: DomainEvent) -> Result<(), Error> {
    let began = Instant::now();
    let mut record = event.record().automatic();
    record.who = "channel".to_owned();
    record.request_id = random_id();

    let (intent, result) = match record_intent(&record, &instance.audit).await {
        Ok(intent) => (intent, run_gathered(instance, &event).await),
        Err(error) => (IntentId::none(), Err(error.into())),
    };
    record.finish(began.elapsed(), result.as_ref().map(|_| 0));
    if let Ok(report) = &result {
        count_purged(report, &mut record);
    }
    // The keys are removed, even if that cannot be recorded.
    if let Err(error) = record.write_outcome(&intent, &instance.audit).await {
        log_unwritten_record(&record, &error);
    }

    let report = result?;
    log::event(
        &event.kind,
        report.keys_invalidated(),
        report.keys_marked_stale(),
    );
    Ok(())
}

/// Runs the invalidations of an event. Readers know those by pattern soon; their keys are removed, or
/// marked stale, by the gathered walk.
async fn run_gathered(instance: &Instance, event: &DomainEvent) -> Result<InvalidateReport, Error> {
    if let Some(turn) = event.gather_patterns(&instance.redis).await? {
        announce(instance, turn).await?;
    }
    event.run_without_patterns(&instance.redis).await
}

/// Announces a turn of the gathered walk to all instances. Where nobody hears it, this and all further
/// turns run here.
async fn announce(instance: &Instance, turn: Turn) -> Result<(), Error> {
    if is_heard(instance, &RemovalTurn::announcing(turn)).await {
        return Ok(());
    }
    let mut next = Some(turn);
    while let Some(turn) = next {
        next = run_turn(instance, &RemovalTurn::announcing(turn)).await?;
    }
    Ok(())
}

async fn is_heard(instance: &Instance, message: &RemovalTurn) -> bool {
    let publish = Command::new("PUBLISH")
        .arg(instance.config.events_channel.as_str())
        .arg(message.to_json());
    let receivers = instance.redis.execute(publish).await;
    receivers
        .and_then(|reply| Replies::new(reply).count())
        .unwrap_or(0)
        > 0
}

/// Runs an announced turn, and announces the next.
async fn remove_in_turns(instance: &Instance, turn: &RemovalTurn) -> Result<(), Error> {
    match run_turn(instance, turn).await? {
        Some(next) => announce(instance, next).await,
        None => Ok(()),
    }
}

/// Runs a turn, and records the walk if that ended it; the next turn, if there is one.
async fn run_turn(instance: &Instance, turn: &RemovalTurn) -> Result<Option<Turn>, Error> {
    let result = turn.run(&instance.redis).await?;
    if let Some(walk) = &result.finished {
        record_walk(instance, walk).await;
    }
    Ok(result.next)
}

/// Records a walk that has ended, and how many keys it removed.
async fn record_walk(instance: &Instance, walk: &FinishedWalk) {
    let Some(mut record) = events::record_of_walk(walk) else {
        return;
    };
    record.request_id = random_id();
    record.finish(Duration::ZERO, Ok(walk.keys_deleted));
    record.count(walk.keys_deleted, walk.keys_marked_stale);
    let written = record
        .write_outcome(&IntentId::none(), &instance.audit)
        .await;
    if let Err(error) = written {
        log_unwritten_record(&record, &error);
    }
    log::removals(walk);
}

/// Reads an event that arrived over HTTP. One that is refused is counted.
///
/// # Errors
/// Those of [`DomainEvent::parse`]; 503 for a mistake in the configuration file.
pub async fn parse_event(call: &Call, payload: &[u8]) -> Result<DomainEvent, Problem> {
    let parsed = parse(&call.redis(), payload).await;
    let event = parsed.map_err(|error| Problem::bad_file(&error))?;
    Ok(event?)
}

/// Carries out an event that arrived over HTTP, recorded as a change of the caller.
///
/// # Errors
/// Those of the invalidation. Without the overrides of its rules, nothing is tried: Redis has just failed,
/// and a response must not take twice the time limit of a command.
pub async fn run_event(call: &Call, event: &DomainEvent) -> Result<InvalidateReport, Error> {
    if let Err(error) = event.require_overrides() {
        let error = Error::from(error);
        call.record_not_started(event.record(), &error).await;
        return Err(error);
    }

    let redis = call.redis();
    let invalidation = event.run(&redis);
    call.run_audited_invalidation(event.record(), invalidation)
        .await
}

/// Publishes an event to other services. Pub/sub reaches only current subscribers, so a failure is
/// logged and not returned.
pub async fn publish_event(call: &Call, payload: &str) {
    let publish = Command::new("PUBLISH")
        .arg(call.config().events_channel.as_str())
        .arg(payload);
    if let Err(error) = call.redis().execute(publish).await {
        log::failure(call.request_id(), "event.unpublished", &error.message);
    }
}
