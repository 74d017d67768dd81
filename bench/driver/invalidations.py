"""How long invalidations take among many keys: until they are in force, and until the keys of many events are removed."""

import json
import os
import subprocess
import threading
import time

import processes
from cases import SEARCH, expect, rounds
from contestants import ROOT, TOKEN_SHA256
from resp import Redis

SEARCHES = "products:search"
READERS = 4
EVENTS = 100
KEYS_OF_AN_EVENT = 10
PATIENCE_SECONDS = 300
CHANNEL = "cache:events"


class Readers:
    """Clients that read one cached search without pause until it is loaded again."""

    def __init__(self, contestant, path):
        self.contestant, self.path = contestant, path
        self.missed_at, self.is_over = [], threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self._read) for _ in range(READERS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def _read(self):
        client = self.contestant.client()
        while not self.is_over.is_set():
            sent = time.perf_counter()
            if client("GET", self.path).headers["x-cache"] == "MISS":
                self.missed_at.append(sent)
                self.is_over.set()
        client.close()


def in_force(contestants, server, runs, keys):
    """Invalidates a tenth of `keys` by a pattern, among them a search that readers ask for, until none is served it."""
    path = SEARCH + "brake"

    def measure(each):
        server.populate(keys // 10, SEARCHES)
        client = each.client()
        client("GET", path)
        expect(f"{each.label}: x-cache before an invalidation", client("GET", path).headers["x-cache"], "HIT")

        body = json.dumps({"pattern": f"{SEARCHES}*", "confirm": True}).encode()
        with Readers(each, path) as readers:
            time.sleep(0.2)
            expect(f"{each.label}: searches loaded again before an invalidation", readers.missed_at, [])
            sent = time.perf_counter()
            _, answer = client.timed_ms("POST", "/api/cache/clear", body)
            taken = time.perf_counter() - sent
            while not readers.missed_at and time.perf_counter() - sent < PATIENCE_SECONDS:
                time.sleep(0.001)
        client.close()
        removed = json.loads(answer.body)["stats"]["keysDeleted"]
        expect(f"{each.label}: keys removed", removed >= keys // 10, True)
        return {"in_force_ms": (min(readers.missed_at) - sent) * 1000, "removed_ms": taken * 1000}

    return rounds(contestants, runs, measure)


class EventsTrigger:
    """A host that runs events.toml."""

    def __init__(self, program, redis_port, work):
        self.program, self.redis_port, self.work = program, redis_port, work

    def __enter__(self):
        environment = {
            "SPIN_VARIABLE_REDIS_PORT": str(self.redis_port),
            "SPIN_VARIABLE_TOKENS": f"bench:admin:{TOKEN_SHA256}",
            "XDG_CACHE_HOME": str(self.work),
        }
        command = [self.program, "-f", str(ROOT / "events.toml"), "--state-dir", str(self.work / "events"), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_):
        processes.stop(self.process)


def events(contestant, server, keys):
    """Sends 100 events at once, each of which removes ten of `keys`, until all of those are removed."""
    server.redis("FLUSHALL")
    server.populate(keys, "other")
    redis = Redis(server.port)
    of_event = [f"users:{event}:{at}" for event in range(EVENTS) for at in range(KEYS_OF_AN_EVENT)]
    redis("MSET", *(part for name in of_event for part in (name, "1")))

    with EventsTrigger(contestant.program, server.port, contestant.work):
        wait_until(lambda: redis("PUBSUB", "NUMSUB", CHANNEL)[1] >= 1, "the host subscribes")
        started = time.perf_counter()
        for event in range(EVENTS):
            redis("PUBLISH", CHANNEL, json.dumps({"type": "user.updated", "id": event}))
        wait_until(lambda: redis("EXISTS", *of_event) == 0, "all keys of the events are removed")
        taken = time.perf_counter() - started
        wait_until(lambda: redis("EXISTS", "cache:{removals}") == 0 or not redis("HLEN", "cache:{removals}:patterns"), "the walks end")
        time.sleep(1)

    redis.close()
    return {contestant.key: [{"removed_ms": taken * 1000, "walks": recorded_walks(contestant)}]}


def recorded_walks(contestant):
    """The number of walks for events in the audit trail."""
    client, cursor, walks = contestant.client(), "", 0
    while cursor is not None:
        page = json.loads(client("GET", "/api/cache/audit?limit=100" + (f"&cursor={cursor}" if cursor else "")).body)["data"]
        walks += sum(entry["action"] == "event-removal" for entry in page["entries"])
        cursor = page["pagination"]["nextCursor"]
    client.close()
    return walks


def wait_until(holds, what):
    """Waits for a condition, which is polled."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: it took longer than {PATIENCE_SECONDS} s until {what}")
        time.sleep(0.005)
