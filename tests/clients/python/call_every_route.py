"""Calls every operation of openapi.yaml through the generated client: with success, without a valid token, with a parameter that the
operation does not have, and for something that does not exist. Every error must be a `Problem`.

    call_every_route.py ORIGIN TOKEN

Started by tests/tests/clients.rs, which prepares Redis and checks in the application's log that no operation was left out.
"""

import sys
from collections.abc import Callable
from typing import Protocol

from edge_cache_client import AuthenticatedClient
from edge_cache_client.api.changing import (
    analyse,
    cancel_job,
    cancel_warmup,
    change_key_expiry,
    change_plain_key_expiry,
    clear_cache,
    edit_key,
    edit_plain_key,
    execute_dry_run,
    expire_keys,
    get_catalog_invalidate_cache,
    invalidate,
    invalidate_by_post,
    pause_job,
    post_blog_refresh_cache,
    post_catalog_invalidate_cache,
    post_config_cache_clear,
    post_dashboard_cache_clear,
    post_manufacturers_cache_clear,
    post_products_cache_clear,
    post_seo_cache_clear,
    post_suppliers_cache_clear,
    post_users_cache_clear,
    post_vehicles_cache_clear,
    remove_key,
    reset_rule,
    reset_ttl,
    resume_job,
    set_rule,
    set_ttl,
    take_event,
    undo_operation,
    wake_schedule,
    warm_up,
)
from edge_cache_client.api.dashboard import get_dashboard, get_dashboard_file
from edge_cache_client.api.health import get_health, get_liveness, get_readiness
from edge_cache_client.api.reading import (
    get_alerts,
    get_analysis,
    get_history,
    get_hot_keys,
    get_metrics,
    get_rules,
    get_stats,
    get_ttl,
    get_warmup,
    get_warmup_plan,
    inspect_key,
    inspect_long_key,
    inspect_plain_key,
    list_audit,
    list_jobs,
    list_keys,
    list_slowlog,
    read_job,
    read_operation,
)
from edge_cache_client.models import (
    AnalysisRequest,
    ClearRequest,
    EditRequest,
    EntryEditRequest,
    EntryExpiryRequest,
    EntryRequestType0,
    ExecuteRequest,
    ExpireRequest,
    ExpiryRequestType0,
    InspectRequest,
    InvalidateRequest,
    Problem,
    ResetRuleBody,
    ResetTtlBody,
    SetRuleBody,
    SetTtlBody,
    TakeEventBody,
    WarmupRequest,
)


class Answer(Protocol):
    """The part of a generated `Response[...]` that is checked."""

    @property
    def status_code(self) -> int: ...
    @property
    def parsed(self) -> object: ...


Call = Callable[[AuthenticatedClient], Answer]

KEY = "clients:python"
MISSING = "clients:missing"
JOB = "0123456789abcdef0123"
DRY_RUN = "0123456789abcdef0125"
MISSING_JOB = "0123456789abcdef0124"
OPERATION = "4102444800000-0-1-0123456789abcdef"
MISSING_OPERATION = "4102444800000-0-1-0123456789abcdee"
# The hashes of the values "1" and "2".
HASH_OF_ONE = "356a192b7913b04c54574d18c28d46e6395428ab"
HASH_OF_TWO = "da4b9237bacccdf19c0760cab7aec4a8359010b0"
BY_PATTERN = ExecuteRequest.from_dict({"by": "pattern"})
EVENT = TakeEventBody.from_dict({"type": "product.updated", "id": "1"})


def public_calls() -> list[Call]:
    return [
        lambda client: get_health.sync_detailed(client=client),
        lambda client: get_liveness.sync_detailed(client=client),
        lambda client: get_readiness.sync_detailed(client=client),
    ]


def calls() -> list[Call]:
    """The protected operations, each with arguments for a success. `tests/tests/clients.rs` has created what they need."""
    return [
        lambda client: get_history.sync_detailed(client=client, step=300),
        lambda client: analyse.sync_detailed(client=client, body=AnalysisRequest(depth=2)),
        lambda client: get_analysis.sync_detailed(client=client),
        lambda client: get_hot_keys.sync_detailed(client=client, minutes=10),
        lambda client: list_slowlog.sync_detailed(client=client, limit=10),
        lambda client: get_stats.sync_detailed(client=client),
        lambda client: get_alerts.sync_detailed(client=client),
        lambda client: get_metrics.sync_detailed(client=client),
        lambda client: list_audit.sync_detailed(client=client, limit=10),
        lambda client: read_operation.sync_detailed(OPERATION, client=client),
        lambda client: list_keys.sync_detailed(client=client, pattern="clients:*", exact=True),
        lambda client: inspect_key.sync_detailed(client=client, key=KEY),
        lambda client: inspect_long_key.sync_detailed(client=client, body=InspectRequest(key=KEY)),
        lambda client: inspect_plain_key.sync_detailed(KEY, client=client),
        lambda client: edit_key.sync_detailed(client=client, body=EntryEditRequest(key=KEY, value="2", if_=HASH_OF_ONE)),
        lambda client: edit_plain_key.sync_detailed(KEY, client=client, body=EditRequest(value="1", if_=HASH_OF_TWO)),
        lambda client: undo_operation.sync_detailed(OPERATION, client=client),
        lambda client: change_key_expiry.sync_detailed(client=client, body=EntryExpiryRequest(key=KEY, ttl=600)),
        lambda client: change_plain_key_expiry.sync_detailed(KEY, client=client, body=ExpiryRequestType0(ttl=600)),
        lambda client: set_ttl.sync_detailed(client=client, body=SetTtlBody(prefix="clients", ttl=60)),
        lambda client: get_ttl.sync_detailed(client=client),
        lambda client: reset_ttl.sync_detailed(client=client, body=ResetTtlBody(prefix="clients")),
        lambda client: set_rule.sync_detailed(client=client, body=SetRuleBody(event="clients.changed", keys=["clients:{id}"])),
        lambda client: get_rules.sync_detailed(client=client),
        lambda client: reset_rule.sync_detailed(client=client, body=ResetRuleBody(event="clients.changed")),
        lambda client: get_warmup_plan.sync_detailed(client=client),
        lambda client: get_warmup.sync_detailed(client=client),
        lambda client: get_catalog_invalidate_cache.sync_detailed(client=client),
        lambda client: post_catalog_invalidate_cache.sync_detailed(client=client),
        lambda client: post_manufacturers_cache_clear.sync_detailed(client=client),
        lambda client: post_blog_refresh_cache.sync_detailed(client=client),
        lambda client: post_products_cache_clear.sync_detailed(client=client),
        lambda client: post_users_cache_clear.sync_detailed(client=client),
        lambda client: post_vehicles_cache_clear.sync_detailed(client=client),
        lambda client: post_config_cache_clear.sync_detailed(client=client),
        lambda client: post_seo_cache_clear.sync_detailed(client=client),
        lambda client: post_suppliers_cache_clear.sync_detailed(client=client),
        lambda client: post_dashboard_cache_clear.sync_detailed(client=client),
        # A warmup seems to be running until its lock is removed.
        lambda client: cancel_warmup.sync_detailed(client=client),
        lambda client: remove_key.sync_detailed(client=client, body=EntryRequestType0(key="lock:cache:warmup")),
        lambda client: warm_up.sync_detailed(client=client, body=WarmupRequest(modules=["users"])),
        lambda client: wake_schedule.sync_detailed(client=client),
        lambda client: take_event.sync_detailed(client=client, body=EVENT),
        lambda client: expire_keys.sync_detailed(client=client, body=ExpireRequest(keys=[KEY], ttl=60)),
        lambda client: clear_cache.sync_detailed(client=client, body=ClearRequest(pattern="clients:*", dry_run=True)),
        lambda client: invalidate.sync_detailed(client=client, body=InvalidateRequest(keys=[KEY])),
        lambda client: invalidate_by_post.sync_detailed(client=client, body=InvalidateRequest(tags=["clients"])),
        # The stored job is paused, and no worker advances it: the test holds the lease.
        lambda client: list_jobs.sync_detailed(client=client, limit=10),
        lambda client: read_job.sync_detailed(JOB, client=client),
        lambda client: resume_job.sync_detailed(JOB, client=client),
        lambda client: pause_job.sync_detailed(JOB, client=client),
        lambda client: cancel_job.sync_detailed(JOB, client=client),
        lambda client: execute_dry_run.sync_detailed(DRY_RUN, client=client, body=BY_PATTERN),
    ]


def calls_for_nothing() -> list[Call]:
    """Calls for something that does not exist."""
    return [
        lambda client: inspect_key.sync_detailed(client=client, key=MISSING),
        lambda client: inspect_long_key.sync_detailed(client=client, body=InspectRequest(key=MISSING)),
        lambda client: inspect_plain_key.sync_detailed(MISSING, client=client),
        lambda client: edit_key.sync_detailed(client=client, body=EntryEditRequest(key=MISSING, value="2", if_=HASH_OF_ONE)),
        lambda client: edit_plain_key.sync_detailed(MISSING, client=client, body=EditRequest(value="1", if_=HASH_OF_TWO)),
        lambda client: undo_operation.sync_detailed(MISSING_OPERATION, client=client),
        lambda client: change_key_expiry.sync_detailed(client=client, body=EntryExpiryRequest(key=MISSING, ttl=600)),
        lambda client: change_plain_key_expiry.sync_detailed(MISSING, client=client, body=ExpiryRequestType0(ttl=600)),
        lambda client: remove_key.sync_detailed(client=client, body=EntryRequestType0(key=MISSING)),
        lambda client: reset_ttl.sync_detailed(client=client, body=ResetTtlBody(prefix="missing")),
        lambda client: reset_rule.sync_detailed(client=client, body=ResetRuleBody(event="missing")),
        lambda client: read_job.sync_detailed(MISSING_JOB, client=client),
        lambda client: read_operation.sync_detailed(MISSING_OPERATION, client=client),
        lambda client: get_analysis.sync_detailed(client=client, id="1-0"),
        lambda client: resume_job.sync_detailed(MISSING_JOB, client=client),
        lambda client: pause_job.sync_detailed(MISSING_JOB, client=client),
        lambda client: cancel_job.sync_detailed(MISSING_JOB, client=client),
        lambda client: execute_dry_run.sync_detailed(MISSING_JOB, client=client, body=BY_PATTERN),
        lambda client: cancel_warmup.sync_detailed(client=client),
        lambda client: get_dashboard_file.sync_detailed("missing.js", client=client),
    ]


def expect_success(answer: Answer) -> None:
    assert answer.status_code in (200, 202), answer
    assert answer.parsed is not None and not isinstance(answer.parsed, Problem), answer


def expect_problem(answer: Answer, status: int, type_name: str) -> Problem:
    assert answer.status_code == status, answer
    problem = answer.parsed
    assert isinstance(problem, Problem), answer
    assert problem.status == status, problem
    assert problem.type_ == f"urn:edge-cache:problem:{type_name}", problem
    assert problem.success is False and problem.detail and problem.request_id, problem
    return problem


def main(origin: str, token: str) -> None:
    admin = AuthenticatedClient(origin, token)
    careless = AuthenticatedClient(origin, token, httpx_args={"params": {"unknown": "1"}})

    for call in [*public_calls(), *calls()]:
        expect_success(call(admin))
        problem = expect_problem(call(careless), 422, "invalid-field")
        assert problem.field == "unknown", problem

    for number, call in enumerate(calls()):
        # After 20 attempts from one address, the answer is 429.
        address = {"x-forwarded-for": f"203.0.113.{number}"}
        stranger = AuthenticatedClient(origin, "not a token", headers=address)
        expect_problem(call(stranger), 401, "unauthenticated")

    for call in calls_for_nothing():
        expect_problem(call(admin), 404, "not-found")

    expect_success(get_dashboard.sync_detailed(client=admin))
    expect_success(get_dashboard_file.sync_detailed("index.html", client=admin))


if __name__ == "__main__":
    main(*sys.argv[1:])
