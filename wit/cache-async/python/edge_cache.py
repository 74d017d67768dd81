"""edge-cache for Python on Spin. Values are anything that JSON can express; times are in seconds."""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from wit_world.imports import cache


class LoadFailed(Exception):
    """Another caller's load of the same key has just failed; the error is its text."""


async def get_or_set(
    key: str,
    load: Callable[[], Awaitable[Any]],
    *,
    ttl: float | None = None,
    grace: float | None = None,
    lock_wait: float | None = None,
    failure_ttl: float | None = None,
    negative_ttl: float | None = None,
    tags: Sequence[str] = (),
) -> Any:
    """Reads a value, or loads and stores it.

    One of all callers on all instances loads; the others wait for its result. Raises the error of `load`, or `LoadFailed` with
    that of another caller. A load that may take longer than 10 s uses `cache.lookup` and calls `turn.extend()` meanwhile.
    """
    times = map(_milliseconds, (ttl, grace, lock_wait, failure_ttl, negative_ttl))
    match await cache.lookup(key, cache.Options(*times, list(tags))):
        case cache.Outcome_Load(turn):
            with turn:
                return await _load_in_turn(turn, load)
        case cache.Outcome_LoadFailed(error):
            raise LoadFailed(error)
        case cache.Outcome_Failed(problem):
            print(f"edge-cache: {problem}", file=sys.stderr, flush=True)
            return await load()
        case cache.Outcome_Hit(value) | cache.Outcome_Stale(value):
            return json.loads(value)


async def get(key: str) -> Any:
    """Reads a fresh value; None without one."""
    value = await cache.get(key)
    return None if value is None else json.loads(value)


async def set(key: str, value: Any, *, ttl: float | None = None, tags: Sequence[str] = ()) -> None:
    """Writes a value."""
    options = cache.Options(_milliseconds(ttl), None, None, None, None, list(tags))
    await cache.set(key, json.dumps(value), options)


async def invalidate(keys: Sequence[str] = (), tags: Sequence[str] = (), patterns: Sequence[str] = ()) -> int:
    """Invalidates entries by keys, tags and patterns; returns how many were removed."""
    return await cache.invalidate(cache.Selection(list(keys), list(tags), list(patterns)))


async def _load_in_turn(turn: cache.Turn, load: Callable[[], Awaitable[Any]]) -> Any:
    try:
        value = await load()
        text = json.dumps(value)
    except Exception as error:
        stale = await turn.fail(str(error))
        if stale is None:
            raise
        return json.loads(stale)
    # A value that is not stored is logged by the cache.
    await turn.store(text)
    return value


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
