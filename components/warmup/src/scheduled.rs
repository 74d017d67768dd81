//! `POST /api/cache/warmup/scheduled`: what a schedule does each time it wakes.

use edge_cache::Error;
use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::body::Fields;
use edge_cache::warmup::schedule::{self, Check, Reason, Relief, Report};
use edge_cache::warmup::{Plan, Request, Status};
use edge_cache_spin::{Call, Outcome};

pub(crate) async fn run(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    Fields::from_json(&call.body().await?)?.finish("none")?;
    let (cache, settings, plan) = (call.cache(), &call.config().schedule, super::plan()?);
    let check = schedule::check(&cache, settings).await?;
    let relief = match check.short_of_memory {
        Some(before) => Some(relieve(call, before).await?),
        None => None,
    };
    let reason = check.reason;
    let warmup = match reason {
        Some(reason) => warm(call, &plan, &check, reason).await,
        None => Ok(None),
    };
    // Also where the warmup failed: a full server has room again afterwards.
    let sweep = schedule::sweep(&cache, &check).await;
    let relieved = relief.as_ref().map_or(0, |relief| relief.keys_deleted);
    let (warmup, sweep) =
        (warmup.map_err(|error| error.after(relieved))?, sweep.map_err(|error| error.after(relieved))?);
    Ok(call.report(Report { reason, warmup, relief, sweep }))
}

/// A warmup that is already running does what this one would.
async fn warm(call: &Call, plan: &Plan, check: &Check, reason: Reason) -> Result<Option<Status>, Error> {
    schedule::starting(&call.cache(), check, reason).await?;
    let reason = Some(format!("by the schedule: {reason}"));
    match super::warm(call, plan, &Request::default(), "schedule", reason).await {
        Ok(status) => Ok(Some(status)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn relieve(call: &Call, before: f64) -> Result<Relief, Error> {
    let (cache, settings) = (call.cache(), &call.config().schedule);
    let mut record = Record::new("memory-relief");
    record.detail = Some(format!("{before} % of memory in use"));
    let relieved = schedule::relieve(&cache, settings, before);
    call.audited(record, relieved, |relief: &Relief| relief.keys_deleted).await
}
