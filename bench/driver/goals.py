"""The goals, compared with the figures of the run."""

PEER = "fastify"
LOAD_METRICS = {"per_second": "requests/s", "p50_ms": "p50", "p99_ms": "p99", "cpu_us": "CPU a request"}


def _worse(figures, case, key):
    """The metrics in which the peer is ahead, as `p99 (1.3 times)`."""
    worse = []
    for name, words in LOAD_METRICS.items():
        ratio = figures.ratio(case, key, PEER, name)
        if ratio is None:
            continue
        behind = 1 / ratio if name == "per_second" and ratio else ratio
        if behind > 1:
            worse.append(f"{words} ({behind:.2f} times the peer's)" if name != "per_second" else f"{words} ({ratio:.2f} of the peer's)")
    return worse


def _ahead(figures, key):
    behind = {}
    for route in ("/health", "/stats"):
        for connections in (16, 64):
            worse = _worse(figures, f"load {route} {connections}", key)
            if worse:
                behind[f"{route} at {connections}"] = ", ".join(worse)
    if not behind:
        return True, "ahead in requests/s, p50, p99 and CPU a request"
    return False, "behind: " + "; ".join(f"{where}: {what}" for where, what in behind.items())


def _ratio_goal(ratio, wanted, words, at_most=True):
    if ratio is None:
        return None, "not measured"
    return (ratio <= wanted if at_most else ratio >= wanted), words.format(ratio)


def _memory(figures, key):
    rest = figures.ratio("start", key, PEER, "memory_bytes")
    load = figures.ratio("memory", key, PEER, "memory_bytes")
    if rest is None or load is None:
        return None, "not measured"
    return rest <= 0.5 and load <= 0.5, f"{rest:.2f} of the peer's at rest, {load:.2f} under load"


def _start(figures, key, name):
    return _ratio_goal(figures.median("start", key, name), 500, "{:.0f} ms")


def _at_each_load(figures, key, route, name, words):
    """The ratios to the peer at 1, 16 and 64 connections, or None, with words for them."""
    ratios = [figures.ratio(f"load {route} {connections}", key, PEER, name) for connections in (1, 16, 64)]
    if None in ratios:
        return None, "not measured"
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return ratios, f"{listed} times the peer's {words} at 1, 16, 64 connections"


def _rate(figures, key, route, wanted):
    ratios, words = _at_each_load(figures, key, route, "per_second", "requests/s")
    return (None if ratios is None else min(ratios) >= wanted), words


def _near_rate(figures, key, wanted):
    ratios = [figures.ratio(f"near {connections}", f"{key}-near", f"{PEER}-near", "per_second") for connections in (16, 64)]
    if None in ratios:
        return None, "not measured"
    return min(ratios) >= wanted, "{:.2f} and {:.2f} times the peer's requests/s".format(*ratios)


def _in_force(figures, key, sizes):
    longest = max((figures.median(f"in force {size}", key, "in_force_ms") or 0 for size in sizes), default=0)
    return _ratio_goal(longest or None, 150, "{:.0f} ms at most, for " + ", ".join(f"{size:,}" for size in sizes) + " keys")


def _cpu(figures, key, route, wanted):
    ratios, words = _at_each_load(figures, key, route, "cpu_us", "CPU a request")
    return (None if ratios is None else max(ratios) <= wanted), words


def _against_scan(figures, clear, key, scan):
    mine, bare = figures.median(clear, key, "ms"), figures.median(clear, scan, "ms")
    return _ratio_goal(mine / bare if mine and bare else None, 1.3, "{:.2f} times its time")


def _saved(figures, key):
    cached, cold = figures.median("read shop", key, "cached_ms"), figures.median("read shop", key, "cold_ms")
    return _ratio_goal(1 - cached / cold if cached else None, 0.95, "{:.1%} less, measured by a client", at_most=False)


def _loads(figures, key):
    most = max(figures.rounds("stampede", key, "loads"), default=None)
    failed = sum(figures.rounds("stampede", key, "failed"))
    return (None, "not measured") if most is None else (most == 1 and not failed, f"at most {most} load{'s' if most != 1 else ''}, {failed} requests failed")


def judge(figures, key, keys, sizes):
    """(goal, met or None if not measured, result) for edge-cache on a host."""
    clear = f"clear {keys}"
    against = "not slower than the peer in `POST /clear`"
    times = "{:.2f} times its time"
    return [
        ("`/health`, `/stats` at 16 and 64 connections ahead of the Node peer", *_ahead(figures, key)),
        ("at most half the peer's memory", *_memory(figures, key)),
        ("first response within 0.5 s, nothing compiled before", *_start(figures, key, "first_ms")),
        ("first response within 0.5 s, components compiled before", *_start(figures, key, "again_ms")),
        (f"`/keys?limit=100` of {keys:,} keys at 3 times the peer's rate", *_rate(figures, key, "/keys", 3)),
        (f"{against}, one UNLINK a key", *_ratio_goal(figures.ratio(clear, key, PEER, "ms"), 1, times)),
        (f"{against}, one UNLINK a slice", *_ratio_goal(figures.ratio(clear, key, "fastify-slice", "ms"), 1, times)),
        ("`POST /clear` within 1.3 times the time of a bare SCAN pass", *_against_scan(figures, clear, key, "scan")),
        ("the same for a SCAN pass that returns only matches", *_against_scan(figures, clear, key, "scan-match")),
        ("a tag invalidated in at most half the peer's time", *_ratio_goal(figures.ratio("tag", key, PEER, "ms"), 0.5, times)),
        ("not slower than the peer with a tag, one UNLINK a slice", *_ratio_goal(figures.ratio("tag", key, "fastify-slice", "ms"), 1, times)),
        ("not slower than the peer with a tag, one UNLINK a key, for keys that the library wrote",
         *_ratio_goal(figures.ratio("tag", f"{key}-own", PEER, "ms"), 1, times)),
        ("keys that the library wrote cleared in at most 1.1 times the time of foreign keys",
         *_ratio_goal(figures.ratio(clear, f"{key}-own", key, "ms"), 1.1, times)),
        ("a tag whose keys the library wrote invalidated in at most 1.1 times the time of foreign keys",
         *_ratio_goal(figures.ratio("tag", f"{key}-own", key, "ms"), 1.1, times)),
        ("Redis' processor time of a cached read at most 1.5 times that of a bare GET",
         *_ratio_goal(figures.median("hit", key, "cpu_ratio"), 1.5, times)),
        ("its execution time at most 2 times that of a bare GET", *_ratio_goal(figures.median("hit", key, "executed_ratio"), 2, times)),
        ("memory of an entry of 200 bytes at most 1.2 times that of a plain SET with an expiry",
         *_ratio_goal(figures.ratio("entry", "entry", "plain", "bytes"), 1.2, "{:.2f} times its memory")),
        ("one key an entry", *_ratio_goal(figures.median("warmup", key, "keys_per_entry"), 1.01, "{:.3f} keys an entry")),
        ("cached `/products/search` at the peer's rate", *_rate(figures, key, "/products/search", 1)),
        ("cached `/products/search` at 1.1 times the peer's CPU a request", *_cpu(figures, key, "/products/search", 1.1)),
        ("cached `/products/search` from near copies at 1.5 times the rate of the peer with lru-cache, 16 and 64 connections",
         *_near_rate(figures, key, 1.5)),
        ("an invalidation by pattern in force for readers of the library within 150 ms", *_in_force(figures, key, sizes)),
        ("the keys of 100 events removed in at most two walks", *_ratio_goal(figures.median("events", key, "walks"), 2, "{:.0f}")),
        ("a cached read takes 95 % less time than the query, 104,000 products", *_saved(figures, key)),
        ("one load in a stampede", *_loads(figures, key)),
    ]
