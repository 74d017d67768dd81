"""The soak test of scripts/test --soak: mixed traffic over 64 connections, with other writers, while Redis is restarted twice.

It exits with 1 and prints the problems if a requirement of judge.py does not hold. A run of ten minutes or more that passes
writes bench/results/soak.md.
"""

import argparse
import collections
import datetime
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time

import contestants
import judge
import machine
import mix
import processes
import soak_report
from http1 import Client
from resp import Redis, ReplyError
from seen import Seen
from server import Server
from trail import Trail

CONNECTIONS = 64
WRITERS = 3
DOWN_SECONDS = 2
# How long the application may still return 503 after Redis is back: connections back off, the circuit breaker is open.
RECOVERY_SECONDS = 5
ANSWER_PATIENCE_SECONDS = 60
REPORT_FROM_MINUTES = 10
# Of four connections one is a viewer's, one an operator's, two an admin's.
ROLES = ("viewer", "operator", "admin", "admin")


def token(role):
    return f"the-token-of-the-soaks-{role}-90d2"


class Application(contestants.Ours):
    """The product with the configuration of the sample shop, and one token for each role, with the name of the role."""

    configuration = ("examples/catalog/edge-cache.toml",)

    def __init__(self, work, server):
        program = os.environ.get("LOCAL_HOST_BIN") or str(contestants.ROOT / "target/host/local-host")
        super().__init__("local", "edge-cache on local-host", work, server.port, program, contestants.ROOT / "data/catalogue.sql")

    def environment(self):
        tokens = ",".join(f"{role}:{role}:{hashlib.sha256(token(role).encode()).hexdigest()}" for role in mix.ROLES)
        return {**super().environment(), "SPIN_VARIABLE_TOKENS": tokens}

    def client(self, role):
        return Client(self.port, {"authorization": f"Bearer {token(role)}"}, ANSWER_PATIENCE_SECONDS)


def caller(app, seen, number):
    """Sends requests over one persistent connection. The host is never restarted, so the connection must never break."""
    dice, role, client, asked = random.Random(number), ROLES[number % len(ROLES)], None, 0
    while not seen.stopping.is_set():
        request, asked = mix.drawn(dice, role), asked + 1
        name = f"soak-{number}-{asked}"
        started = time.monotonic()
        try:
            client = client or app.client(role)
            client.headers["x-request-id"] = name
            answer = client(request.method, request.path, request.body)
        except OSError as error:
            client = None
            seen.answered(started, time.monotonic(), request, "no answer", repr(error))
            continue
        ended = time.monotonic()
        ours = answer.headers.get("x-request-id") == name
        judged = mix.verdict(request, role, answer) if ours else "the response of another request"
        seen.answered(started, ended, request, answer.status, judged)
        if judged == "right" and request.action and answer.status != 403:
            outcome = "ok" if answer.status == 200 else "failed"
            if request.action == "warmup" and b'"state":"cancelled"' in answer.body:
                outcome = "cancelled"
            seen.changed(started, ended, (name, role, request.action, outcome))


def writer(server, seen, number):
    """The writes of another service: keys, tags, expiry. Retries while Redis is unavailable."""
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


def sampler(app, server, seen, trail):
    """Samples the host's memory, the clients of Redis and the audit trail once a second. Redis may be unavailable."""
    pids = app.pids()
    while not seen.stopping.wait(1):
        clients = None
        try:
            redis = Redis(server.port, timeout_seconds=5)
            clients = len(redis("CLIENT", "LIST").splitlines()) - 1 - WRITERS
            trail.read(redis)
            redis.close()
        except (OSError, ReplyError):
            pass
        seen.samples.append((time.monotonic() - seen.started, processes.memory_bytes(pids), clients))


def restart(server, seen, trail, how):
    began = time.monotonic()
    # The window begins here; its end is set when Redis is back. Changes before the window are read from the trail now.
    seen.windows.append([began, float("inf")])
    trail.read(Redis(server.port))
    processes.stop(server.process, how)
    time.sleep(DOWN_SECONDS)
    server.start()
    seen.windows[-1][1] = time.monotonic() + RECOVERY_SECONDS
    print(f"soak: Redis was unavailable for {time.monotonic() - began:.1f} s ({how.name})", file=sys.stderr, flush=True)


def load(app, server, seen, trail, seconds):
    started = seen.started = time.monotonic()
    work = [threading.Thread(target=caller, args=(app, seen, number)) for number in range(CONNECTIONS)]
    work += [threading.Thread(target=writer, args=(server, seen, number)) for number in range(WRITERS)]
    work.append(threading.Thread(target=sampler, args=(app, server, seen, trail)))
    try:
        for thread in work:
            thread.start()
        for part, how in ((4, signal.SIGTERM), (6, signal.SIGKILL)):
            time.sleep(max(0, started + seconds * part / 9 - time.monotonic()))
            restart(server, seen, trail, how)
        time.sleep(max(0, started + seconds - time.monotonic()))
    finally:
        seen.stopping.set()
        for thread in work:
            if thread.ident:
                thread.join()
    trail.read(Redis(server.port))


def built():
    """The build time of a host that scripts/test has not built from this commit."""
    path = os.environ.get("LOCAL_HOST_BIN")
    return f" (built {datetime.datetime.fromtimestamp(os.path.getmtime(path), datetime.UTC):%Y-%m-%d %H:%M} UTC)" if path else ""


def failures(app):
    """The most frequent failures in the log, including those in the windows of the restarts."""
    causes = collections.Counter()
    for line in (app.work / "stderr.log").read_text(errors="replace").splitlines():
        if '"request.failed"' in line:
            causes[json.loads(line)["problem"]] += 1
        elif line.startswith("local-host:"):
            causes[line] += 1
    return [f"logged {count} times: {cause[:300]}" for cause, count in causes.most_common(10)]


def main():
    parser = argparse.ArgumentParser(prog="scripts/test --soak")
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    processes.end_in_order()
    seen, trail = Seen(), Trail()
    with tempfile.TemporaryDirectory() as work, Server(work) as server:
        app = Application(work, server)
        described, before = machine.describe([app]) | {"host": built()}, machine.load_average()
        try:
            app.start()
            app.settle()
            load(app, server, seen, trail, minutes * 60)
            described["load_average"] = [before, machine.load_average()]
            problems = judge.growth(seen, minutes * 60) + judge.answers(seen) + judge.times(seen)
            problems += judge.recorded(seen, trail, minutes) + judge.locks(server) + judge.rest(app, server)
            logged = failures(app) if problems else []
        finally:
            app.stop()
    text = soak_report.text(seen, trail, described, minutes)
    print(text)
    if minutes >= REPORT_FROM_MINUTES and not problems:
        (contestants.ROOT / "bench/results/soak.md").write_text(text)
    for line in logged + [f"WRONG: {problem}" for problem in problems]:
        print(f"soak: {line}")
    print("soak: failed" if problems else "soak: passed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
