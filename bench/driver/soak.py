"""Load for minutes: 64 connections of mixed traffic, writers beside it, Redis restarted twice. What scripts/test --soak runs.

It ends with 1 and says what was wrong when, outside the windows of the restarts, an answer was none that is documented for
its request; when the host's memory or its connections grew; or when a lock was left behind.
"""

import argparse
import collections
import json
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

import contestants
import processes
from http1 import Client
from resp import Redis, ReplyError
from server import Server

CONNECTIONS = 64
WRITERS = 3
DOWN_SECONDS = 2
# No answer may take longer, Redis away or not.
LONGEST_SECONDS = 30
# How long after Redis answers again the application may still answer 503: its connections back off, its breaker closes.
RECOVERY_SECONDS = 5
LOCKS_LEFT_SECONDS = 20
# Connections that may be open when instances have been put away: ours, and a few that the host may keep.
CLIENTS_AT_REST = 8
# Memory and connections may differ so much between two phases of the same load.
MEMORY_FACTOR, MEMORY_SLACK_BYTES = 1.25, 32 << 20
CLIENTS_FACTOR, CLIENTS_SLACK = 1.5, 16
WORDS = ["brake", "filter", "light", "pump", "cable", "disc", "switch", "fluid"]


def traffic(dice):
    """One request of the mix: method, path, body, the statuses that are right."""
    product, slot = dice.randrange(1, 5200), dice.randrange(200)
    return dice.choice([
        ("GET", f"/api/products/{product % 300 + 1}", b"", {200, 404}),
        ("GET", f"/api/products/{product}", b"", {200, 404}),
        ("GET", f"/api/products/search?q={dice.choice(WORDS)}", b"", {200}),
        ("GET", "/api/products/popular", b"", {200}),
        ("GET", "/api/vehicles/brands", b"", {200}),
        ("GET", f"/api/vehicles/brand/{slot % 60 + 1}/models", b"", {200, 404}),
        ("GET", "/api/users/stats", b"", {200}),
        ("POST", f"/api/products/{product % 300 + 1}", b'{"priceCents":%d}' % (100 + slot), {200, 404}),
        ("GET", "/api/cache/health", b"", {200}),
        ("GET", "/api/cache/health/ready", b"", {200}),
        ("GET", "/api/cache/stats", b"", {200}),
        ("GET", "/api/cache/keys?limit=50", b"", {200}),
        ("GET", f"/api/cache/keys?limit=20&pattern=soak:{slot}:*", b"", {200}),
        ("GET", f"/api/cache/keys/soak:{slot}:1", b"", {200, 404}),
        ("GET", "/api/cache/audit?limit=10", b"", {200}),
        ("GET", "/api/cache/ttl", b"", {200}),
        ("PUT", "/api/cache/ttl", b'{"prefix":"soak:%d","ttl":60}' % (slot % 5), {200}),
        ("DELETE", "/api/cache/ttl", b'{"prefix":"soak:%d"}' % (slot % 5), {200, 404}),
        ("GET", "/api/cache/metrics", b"", {200}),
        ("GET", "/api/cache/warmup", b"", {200}),
        ("GET", "/api/cache/warmup/plan", b"", {200}),
        ("POST", "/api/cache/warmup/cancel", b"{}", {200, 404}),
        ("PATCH", f"/api/cache/keys/soak:{slot}:1", b'{"ttl":%d}' % (slot + 1), {200, 404}),
        ("DELETE", "/api/cache/invalidate", b'{"patterns":["soak:%d:*"]}' % slot, {200}),
        ("POST", "/api/users/cache/clear", b"", {200}),
        ("POST", "/api/cache/clear", b'{"pattern":"soak:%d:*"}' % slot, {200}),
        ("POST", "/api/cache/invalidate", b'{"tags":["soak-%d"],"keys":["soak:%d:2"]}' % (slot % 20, slot), {200}),
        ("POST", "/api/cache/events", b'{"type":"product.updated","id":"%d"}' % product, {200, 202}),
        *([("POST", "/api/cache/warmup", b'{"modules":["config"]}', {200, 409})] if slot < 5 else []),
    ])


def kind(request):
    """A request without what differs each time."""
    return f"{request[0]} {re.sub('[0-9]+', 'N', request[1].split('?q=')[0])}"


@dataclass
class Seen:
    """What went on, shared by all threads."""

    answers: collections.Counter = field(default_factory=collections.Counter)
    # When each kind of request was last answered as it should be.
    right: dict = field(default_factory=dict)
    wrong: list = field(default_factory=list)
    late: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    windows: list = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, started, ended, request, told):
        with self.lock:
            self.answers[told if isinstance(told, int) else "no answer"] += 1
            if told in request[3]:
                self.right[kind(request)] = started
            else:
                self.wrong.append((started, ended, f"{request[0]} {request[1]}: {told}"))
            if ended - started > LONGEST_SECONDS:
                self.late.append(f"{request[0]} {request[1]}: {told} after {ended - started:.0f} s")


def caller(app, seen, number):
    """A connection that is kept while the host keeps it."""
    dice, client = random.Random(number), None
    while not seen.stopping.is_set():
        request = traffic(dice)
        started = time.monotonic()
        try:
            client = client or app.client()
            told = client(*request[:3]).status
        except OSError as error:
            client, told = None, repr(error)
        seen.answered(started, time.monotonic(), request, told)


def writer(server, seen, number):
    """Another service's writes: keys, tags, expiry. Redis may be away; then it tries again."""
    dice, redis = random.Random(1000 + number), None
    while not seen.stopping.is_set():
        try:
            redis = redis or Redis(server.port, timeout_seconds=5)
            slot = dice.randrange(200)
            key = f"soak:{slot}:{dice.randrange(50)}"
            redis("SET", key, "x" * dice.randrange(10, 2000), "PX", dice.randrange(1000, 60_000))
            redis("SADD", f"cache:tags:soak-{slot % 20}", key)
        except (OSError, ReplyError):
            redis = None
            time.sleep(0.1)
        time.sleep(0.001)


def sampler(app, server, seen, started):
    """Once a second: the host's memory, and how many clients Redis has. Redis may be away."""
    pids = app.pids()
    while not seen.stopping.wait(1):
        try:
            redis = Redis(server.port, timeout_seconds=5)
            clients = len(redis("CLIENT", "LIST").splitlines()) - 1 - WRITERS
            redis.close()
        except (OSError, ReplyError):
            clients = None
        seen.samples.append((time.monotonic() - started, processes.memory_bytes(pids), clients))


def restart(server, seen, how):
    began = time.monotonic()
    # The window is open from here; its end is set when Redis is back.
    seen.windows.append([began, float("inf")])
    processes.stop(server.process, how)
    time.sleep(DOWN_SECONDS)
    server.start()
    seen.windows[-1][1] = time.monotonic() + RECOVERY_SECONDS
    print(f"soak: Redis was away for {time.monotonic() - began:.1f} s ({how.name})", file=sys.stderr, flush=True)


def outside(windows, started, ended):
    return all(ended < begin or started > end for begin, end in windows)


def medians(samples, begin, end, at):
    values = [sample[at] for sample in samples if begin <= sample[0] < end and sample[at] is not None]
    return statistics.median(values) if values else 0


def grown(seen, seconds):
    """Memory and connections at the end against those after the warm-up, both away from the restarts."""
    # Restarts are at 4/9 and 6/9: the warm-up is the first third, what follows it ends before the first restart.
    early, late = (seconds * 3 / 9, seconds * 4 / 9), (seconds * 8 / 9, seconds)
    problems, told = [], []
    for at, what, scale, factor, slack in (
        (1, "memory of the host, MiB", 1 / (1 << 20), MEMORY_FACTOR, MEMORY_SLACK_BYTES),
        (2, "connections to Redis", 1, CLIENTS_FACTOR, CLIENTS_SLACK),
    ):
        before, after = medians(seen.samples, *early, at), medians(seen.samples, *late, at)
        told.append(f"{what}: {before * scale:.0f} after the warm-up, {after * scale:.0f} at the end")
        if not before or not after:
            problems.append(f"{what}: not measured")
        elif after > before * factor + slack:
            problems.append(told[-1])
    return problems, told


def left_behind(server):
    """Locks that are still there when every lease is over."""
    deadline = time.monotonic() + LOCKS_LEFT_SECONDS
    while True:
        cursor, locks = b"0", []
        while True:
            cursor, found = server.redis("SCAN", cursor, "MATCH", "lock:*", "COUNT", 1000)
            locks += found
            if cursor == b"0":
                break
        if not locks or time.monotonic() > deadline:
            return [lock.decode(errors="replace") for lock in locks]
        time.sleep(0.5)


def load(app, server, seen, seconds):
    started = time.monotonic()
    work = [threading.Thread(target=caller, args=(app, seen, number)) for number in range(CONNECTIONS)]
    work += [threading.Thread(target=writer, args=(server, seen, number)) for number in range(WRITERS)]
    work.append(threading.Thread(target=sampler, args=(app, server, seen, started)))
    for thread in work:
        thread.start()
    try:
        for part, how in ((4, signal.SIGTERM), (6, signal.SIGKILL)):
            time.sleep(max(0, started + seconds * part / 9 - time.monotonic()))
            restart(server, seen, how)
        time.sleep(max(0, started + seconds - time.monotonic()))
    finally:
        seen.stopping.set()
        for thread in work:
            thread.join()


def judge(app, server, seen, seconds):
    problems, told = grown(seen, seconds)
    wrong = [what for begin, end, what in seen.wrong if outside(seen.windows, begin, end)]
    told.append(f"requests: {sum(seen.answers.values()):,}; answers: {dict(sorted(seen.answers.items(), key=str))}")
    told.append(f"wrong answers: {len(seen.wrong)} in the windows of the restarts and outside, {len(wrong)} outside")
    problems += [f"{count} times: {what}" for what, count in collections.Counter(wrong).most_common(20)]
    problems += seen.late[:20]
    recovered = max(end for _, end in seen.windows)
    silent = [what for what, last in sorted(seen.right.items()) if last < recovered]
    problems += [f"no right answer since the last restart: {what}" for what in silent]
    told.append(f"kinds of requests: {len(seen.right)}, of which {len(seen.right) - len(silent)} were answered after the last restart")
    problems += [f"a lock is left: {lock}" for lock in left_behind(server)]
    time.sleep(3)
    clients = len(server.redis("CLIENT", "LIST").splitlines())
    told.append(f"connections to Redis at rest: {clients}")
    if clients > CLIENTS_AT_REST:
        problems.append(told[-1])
    if app.process.poll() is not None:
        problems.append("the host ended by itself")
    elif not problems:
        client = app.client()
        if client("GET", "/api/cache/health").status != 200:
            problems.append("the application is not healthy afterwards")
    return problems, told


def failures(app):
    """What the application said of failed requests, those in the windows of the restarts included."""
    causes = collections.Counter()
    for line in (app.work / "stderr.log").read_text(errors="replace").splitlines():
        if '"request.failed"' in line:
            causes[json.loads(line)["problem"]] += 1
    return [f"told in the log {count} times: {cause[:300]}" for cause, count in causes.most_common(10)]


def main():
    parser = argparse.ArgumentParser(prog="scripts/test --soak")
    parser.add_argument("--minutes", type=float, default=10)
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory() as work:
        server = Server(work)
        app = contestants.all_of(work, server.port, contestants.ROOT / "data/catalogue.sql")[0]
        app.warmup = None
        app.start()
        app.settle()
        seen = Seen()
        try:
            load(app, server, seen, seconds)
            problems, told = judge(app, server, seen, seconds)
            told += failures(app) if problems else []
        finally:
            app.stop()
            server.stop()
    for line in told:
        print(f"soak: {line}")
    for problem in problems:
        print(f"soak: WRONG: {problem}")
    print("soak: failed" if problems else "soak: passed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
