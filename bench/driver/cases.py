"""The cases. Each is measured in rounds; in a round every contestant has its turn, and the order turns with the rounds.

A case returns `{contestant's key: [figures of each round]}`.
"""

import json
import time

import load
import processes
from http1 import at_once
from prober import Prober

COLD_READS = 20
CACHED_READS = 200
SEARCH = "/api/products/search?q="
# Part of a number: no index helps, every product is looked at.
PART_NUMBER = "rad-476215"
WARMUP_KEYS = 10_000
TAG = "tagged"


def rounds(contestants, runs, measure):
    """Interleaves: what disturbs the machine for a while disturbs all of them."""
    figures = {each.key: [] for each in contestants}
    for run in range(runs):
        turn = run % len(contestants)
        for each in contestants[turn:] + contestants[:turn]:
            figures[each.key].append(measure(each))
    return figures


def expect(what, seen, wanted):
    if seen != wanted:
        raise SystemExit(f"bench: {what}: {seen} instead of {wanted}; the figures would mean nothing")


def starts(contestants, runs):
    """First start ever, the next start, and memory three seconds after it, when what is idle has been put away."""

    def measure(each):
        each.forget_compiled()
        first = each.start()
        # The next start finds everything compiled.
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
    """A query read through the cache: with nothing cached (query and storing), and cached. Medians of a round, seen by a client."""

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
        if hits < CACHED_READS * 0.95:  # A refresh ahead of expiry may come by chance.
            raise SystemExit(f"bench: {each.label}: {hits} hits in {CACHED_READS} cached reads")
        client.close()
        return {"cold_ms": median(cold), "cached_ms": median([taken for taken, _ in answers])}

    return rounds(contestants, runs, measure)


def stampedes(contestants, server, runs, callers):
    """Many callers at once ask for a key that nobody has asked for: loads, and time until the last answer."""

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
        return {"ms": taken}

    return rounds(contestants, runs, measure)


def _longest_command_ms(redis):
    """The longest that Redis was at one command since the slow log was reset."""
    return max((entry[2] for entry in redis("SLOWLOG", "GET", -1)), default=0) / 1000


def _observed(server, work):
    """What another client met with while `work` went on."""
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
    """A contestant in one of its ways to remove keys: a path that may have a parameter."""

    def __init__(self, contestant, key, label, parameter="", companions=False):
        self.contestant, self.key, self.label = contestant, key, label
        self.parameter, self.companions = parameter, companions

    def post(self, path, body):
        client = self.contestant.client()
        try:
            return client.timed_ms("POST", path + self.parameter, json.dumps(body).encode())
        finally:
            client.close()


def removals(contestants):
    """Every contestant, and the Node peer also with one UNLINK for a slice."""
    found = []
    for each in contestants:
        found.append(Removal(each, each.key, each.label))
        if each.key == "fastify":
            found.append(Removal(each, "fastify-slice", f"{each.label}, one UNLINK a slice", "?unlink=slice"))
    return found


def clears(ways, server, runs, keys, share):
    """Clears one key in `share` of `keys` by a pattern."""
    gone = keys // share

    def measure(way):
        server.populate(gone, "users")
        answer, figures = _observed(server, lambda: way.post("/api/cache/clear", {"pattern": "users:*"}))
        expect(f"{way.label}: keys cleared", json.loads(answer.body)["stats"]["keysDeleted"], gone)
        left = server.redis("EXISTS", *(f"users:{at}" for at in range(0, gone, gone // 100)))
        expect(f"{way.label}: keys left that match", left, 0)
        expect(f"{way.label}: other keys left", server.redis("DBSIZE") >= keys - gone, True)
        return figures

    figures = rounds(ways, runs, measure)
    server.populate(gone, "users")
    return figures


def scans(native, server, runs, keys):
    """A bare SCAN pass over the same keys by the native client: all names, and only those that match."""
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
    """Invalidates a tag with that many keys; for ours also with the companions that its library keeps beside tagged keys."""
    ways = removals(contestants)
    own = [each for each in contestants if each.ours]
    ways += [Removal(each, f"{each.key}-companions", f"{each.label}, keys its library wrote", companions=True) for each in own]

    def measure(way):
        server.tag(TAG, keys, way.companions)
        answer, figures = _observed(server, lambda: way.post("/api/cache/invalidate", {"tags": [TAG]}))
        expect(f"{way.label}: keys invalidated", json.loads(answer.body)["stats"]["keysInvalidated"], keys)
        left = server.redis("EXISTS", f"cache:tags:{TAG}", f"{TAG}:0", f"cache:meta:{{{TAG}:0}}")
        expect(f"{way.label}: keys left of a tag", left, 0)
        return figures

    return rounds(ways, runs, measure), ways


def latencies(contestants, runs, path, requests):
    """Milliseconds of an answer over one kept connection: the median of a round."""

    def measure(each):
        client = each.client()
        for _ in range(5):
            client("GET", path)
        taken = sorted(client.timed_ms("GET", path)[0] for _ in range(requests))
        client.close()
        return {"ms": taken[len(taken) // 2]}

    return rounds(contestants, runs, measure)


def commands(contestants, server, path):
    """Commands that Redis executed for one request (those within scripts included)."""
    told = {}
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
        told[each.key] = calls
    return told
