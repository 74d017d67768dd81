"""The cases. Each is measured in rounds. In each round all contestants are measured, in an order that rotates.

A case returns `{contestant's key: [figures of each round]}`.
"""

import json
import time

import load
import processes
from http1 import at_once
from prober import Prober
from resp import Redis

COLD_READS = 20
CACHED_READS = 200
SEARCH = "/api/products/search?q="
# Part of a number: no index applies, so the query scans every product.
PART_NUMBER = "rad-476215"
WARMUP_KEYS = 10_000
TAG = "tagged"
ENTRY_BYTES = 200
ENTRIES = 100_000
BATCH = 1000


def rounds(contestants, runs, measure):
    """Interleaves the contestants, so that a disturbance of the machine affects all of them."""
    figures = {each.key: [] for each in contestants}
    for run in range(runs):
        first = run % len(contestants)
        for each in contestants[first:] + contestants[:first]:
            figures[each.key].append(measure(each))
    return figures


def expect(what, seen, wanted):
    if seen != wanted:
        raise SystemExit(f"bench: {what}: {seen} instead of {wanted}; the figures would be meaningless")


def starts(contestants, runs):
    """The first start, the next start, and memory three seconds after it, when idle instances have ended."""

    def measure(each):
        each.forget_compiled()
        first = each.start()
        # Lets the host compile everything for the next start.
        each.settle()
        each.stop()
        again = each.start()
        client = each.client()
        for path in ("/api/cache/health", "/api/cache/stats", "/api/cache/keys?limit=100", SEARCH + "brake"):
            expect(f"{each.label}: GET {path}", client("GET", path).status, 200)
        client.close()
        each.settle()
        time.sleep(3)
        memory = processes.memory_bytes(each.pids())
        each.stop()
        return {"first_ms": first * 1000, "again_ms": again * 1000, "memory_bytes": memory}

    return rounds(contestants, runs, measure)


def loads(contestants, server, path, connections, runs, seconds):
    pid = server.process.pid
    return rounds(contestants, runs, lambda each: load.measure(each, pid, path, connections, seconds))


def reads(contestants, server, runs, words="brake"):
    """A query read through the cache: uncached (query and store) and cached. Medians of a round, measured by a client."""

    def median(values):
        return sorted(values)[len(values) // 2]

    def measure(each):
        client, path = each.client(), SEARCH + words
        client("GET", path)
        cold = []
        for _ in range(COLD_READS):
            server.redis("FLUSHDB")
            taken, answer = client.timed_ms("GET", path)
            expect(f"{each.label}: x-cache of a cold read", answer.headers["x-cache"], "MISS")
            cold.append(taken)
        answers = [client.timed_ms("GET", path) for _ in range(CACHED_READS)]
        hits = [answer.headers["x-cache"] for _, answer in answers].count("HIT")
        if hits < CACHED_READS * 0.95:  # An early refresh may happen by chance.
            raise SystemExit(f"bench: {each.label}: {hits} hits in {CACHED_READS} cached reads")
        client.close()
        return {"cold_ms": median(cold), "cached_ms": median([taken for taken, _ in answers])}

    return rounds(contestants, runs, measure)


def stampedes(contestants, server, runs, callers):
    """Many callers request a cold key at once: the number of loads, and the time until the last response."""

    def measure(each):
        client = each.client()
        client("GET", SEARCH + "filter")
        server.redis("FLUSHDB")
        taken, answers = at_once(each.port, callers, SEARCH + "brake")
        client.close()
        statuses = [answer.status for answer in answers]
        outcomes = [answer.headers.get("x-cache") for answer in answers]
        memory = processes.memory_bytes(each.pids())
        return {"last_ms": taken, "loads": outcomes.count("MISS"), "failed": callers - statuses.count(200), "memory_bytes": memory}

    return rounds(contestants, runs, measure)


def warmups(contestants, server, runs):
    def measure(each):
        server.redis("FLUSHALL")
        client = each.client()
        taken, answer = client.timed_ms("POST", "/api/cache/warmup")
        client.close()
        expect(f"{each.label}: keys of a warmup", json.loads(answer.body)["stats"]["keysCreated"], WARMUP_KEYS)
        return {"ms": taken, "keys_per_entry": server.redis("DBSIZE") / WARMUP_KEYS}

    return rounds(contestants, runs, measure)


def hits(contestants, server, runs, seconds):
    """Redis' work for a cached read over one connection, and for a bare GET of the same bytes at the same rate."""
    path = SEARCH + "brake"

    def measure(each):
        server.redis("FLUSHDB")
        client = each.client()
        expect(f"{each.label}: x-cache of a first read", client("GET", path).headers["x-cache"], "MISS")
        key = _only_entry(server.redis)

        load.warm(each, path, 1)
        reads, cpu, executed = server.spent_us(lambda: load.count(each, path, 1, seconds))
        expect(f"{each.label}: x-cache of the last read", client("GET", path).headers["x-cache"], "HIT")
        client.close()
        _, bare_cpu, bare_executed = server.spent_us(lambda: _bare_gets(server.port, key, reads, seconds))
        return {
            "cpu_us": cpu, "bare_cpu_us": bare_cpu, "cpu_ratio": cpu / bare_cpu,
            "executed_us": executed, "bare_executed_us": bare_executed, "executed_ratio": executed / bare_executed,
        }

    return rounds(contestants, runs, measure)


def _only_entry(redis):
    """The key of the only entry in the database."""
    found = [name for name in redis("KEYS", "*") if not name.startswith((b"cache:", b"lock:"))]
    expect("entries after one read", len(found), 1)
    return found[0]


def _bare_gets(port, key, count, seconds):
    """Sends GETs of a key over one connection, spread over the time; their number. A Redis that wakes up seldom takes longer for each."""
    redis, started = Redis(port), time.monotonic()
    for at in range(count):
        time.sleep(max(0, started + at * seconds / count - time.monotonic()))
        redis("GET", key)
    redis.close()
    return count


def entries(server):
    """Memory of one entry of 200 bytes as the library stores it, and of a plain SET with an expiry."""
    labels = {"plain": "a plain SET with an expiry", "entry": "an entry", "tagged": "an entry with a tag of 9 bytes"}
    tags = {"plain": None, "entry": (), "tagged": ("user-data",)}
    figures = {key: [{"bytes": _bytes_per_key(server, tags[key])}] for key in labels}
    return figures, {f"memory {key}": label for key, label in labels.items()}


def _bytes_per_key(server, tags):
    """The memory that Redis uses for one of many keys, whose values have a trailer with these tags, or none."""
    server.redis("FLUSHALL")
    before = int(server.redis.info("memory")["used_memory"])
    behind = b"" if tags is None else server.trailer(ENTRY_BYTES, tags)
    for first in range(0, ENTRIES, BATCH):
        for at in range(first, first + BATCH):
            value = b'"%0*d"' % (ENTRY_BYTES - 2, at)
            server.redis.send("SET", f"users:{at:07d}", value + behind, "EX", 3600)
        for _ in range(BATCH):
            server.redis.reply()
    return (int(server.redis.info("memory")["used_memory"]) - before) / ENTRIES


def _longest_command_ms(redis):
    """The longest command since the slow log was reset."""
    return max((entry[2] for entry in redis("SLOWLOG", "GET", -1)), default=0) / 1000


def _observed(server, work):
    """Runs `work`, and measures its effect on another client."""
    server.redis("CONFIG", "SET", "slowlog-log-slower-than", 300)
    server.redis("SLOWLOG", "RESET")
    with Prober(server.port) as probe:
        taken, answer = work()
    longest = _longest_command_ms(server.redis)
    server.redis("CONFIG", "SET", "slowlog-log-slower-than", 10_000)
    return answer, {
        "ms": taken,
        "other_client_max_ms": probe.result["max_ms"],
        "other_client_p99_ms": probe.result["p99_ms"],
        "longest_command_ms": longest,
    }


class Removal:
    """One of a contestant's ways to remove keys: a path, perhaps with a parameter, and who wrote the keys."""

    def __init__(self, contestant, key, label, parameter="", is_own=False):
        self.contestant, self.key, self.label = contestant, key, label
        self.parameter, self.is_own = parameter, is_own

    def post(self, path, body):
        client = self.contestant.client()
        try:
            return client.timed_ms("POST", path + self.parameter, json.dumps(body).encode())
        finally:
            client.close()


def removals(contestants):
    """Every contestant, the Node peer also with one UNLINK a slice, and edge-cache also for keys that its library wrote."""
    found = []
    for each in contestants:
        found.append(Removal(each, each.key, each.label))
        if each.ours:
            found.append(Removal(each, f"{each.key}-own", f"{each.label}, keys its library wrote", is_own=True))
        if each.key == "fastify":
            found.append(Removal(each, "fastify-slice", f"{each.label}, one UNLINK a slice", "?unlink=slice"))
    return found


def clears(ways, server, runs, keys, share):
    """Clears one key in `share` of `keys` by a pattern."""
    gone = keys // share

    def measure(way):
        if way.is_own:
            server.write_entries("users", gone)
        else:
            server.populate(gone, "users")
        answer, figures = _observed(server, lambda: way.post("/api/cache/clear", {"pattern": "users:*", "confirm": True}))
        expect(f"{way.label}: keys cleared", json.loads(answer.body)["stats"]["keysDeleted"], gone)
        left = server.redis("EXISTS", *(f"users:{at}" for at in range(0, gone, gone // 100)))
        expect(f"{way.label}: keys left that match", left, 0)
        expect(f"{way.label}: other keys left", server.redis("DBSIZE") >= keys - gone, True)
        return figures

    figures = rounds(ways, runs, measure)
    server.populate(gone, "users")
    return figures


def scans(native, server, runs, keys):
    """A bare SCAN pass over the same keys by the native client: with all names, and with matching names only."""
    passes = {"scan": "", "scan-match": "?pattern=users:*"}
    figures = {key: [] for key in passes}
    client = native.client()
    for _ in range(runs):
        for key, parameter in passes.items():
            answer, seen = _observed(server, lambda path=f"/api/cache/scan{parameter}": client.timed_ms("GET", path))
            if not parameter:
                expect("keys of a bare SCAN pass", json.loads(answer.body)["stats"]["keysSeen"] >= keys, True)
            figures[key].append(seen)
    client.close()
    return figures


def tags(contestants, server, runs, keys):
    """Invalidates a tag with that many keys."""
    ways = removals(contestants)

    def measure(way):
        server.tag(TAG, keys, way.is_own)
        answer, figures = _observed(server, lambda: way.post("/api/cache/invalidate", {"tags": [TAG]}))
        expect(f"{way.label}: keys invalidated", json.loads(answer.body)["stats"]["keysInvalidated"], keys)
        left = server.redis("EXISTS", f"cache:tags:{TAG}", f"{TAG}:0", f"{TAG}:{keys - 1}")
        expect(f"{way.label}: keys left of a tag", left, 0)
        return figures

    return rounds(ways, runs, measure), ways


def latencies(contestants, runs, path, requests):
    """The latency over one persistent connection, in milliseconds: the median of a round."""

    def measure(each):
        client = each.client()
        for _ in range(5):
            client("GET", path)
        taken = sorted(client.timed_ms("GET", path)[0] for _ in range(requests))
        client.close()
        return {"ms": taken[len(taken) // 2]}

    return rounds(contestants, runs, measure)


def commands(contestants, server, path):
    """The commands that Redis executed for one request, including those of scripts."""
    executed = {}
    for each in contestants:
        client = each.client()
        client("GET", path)
        server.redis("CONFIG", "RESETSTAT")
        client("GET", path)
        client.close()
        calls = {}
        for name, fields in server.redis.info("commandstats").items():
            command = name.removeprefix("cmdstat_").replace("|", " ")
            if not command.startswith("config"):
                calls[command] = int(fields.split(",")[0].removeprefix("calls="))
        executed[each.key] = calls
    return executed
