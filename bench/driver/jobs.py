"""A clear as a job beside the same clear in one request: how long each takes, and how long another client waits for Redis meanwhile.

    python3 bench/driver/jobs.py [--keys N] [--runs N] [--output FILE]

One key in ten matches. Writes bench/results/jobs.md, and exits with 1 if a goal is missed. scripts/bench --jobs runs it after building.
"""

import argparse
import datetime
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import contestants
import machine
import processes
from prober import Prober
from server import Server

SHARE = 10
PATIENCE_SECONDS = 1800
POLL_SECONDS = 0.05
# The goals: the time of a job over that of the request, and another client's 99th percentile beside a job with `maxLatencyMs` 5.
MAX_RATIO, MAX_P99_MS = 1.1, 5
REQUEST, JOB, CAREFUL = "one request", "a job", "a job with `maxLatencyMs` 5"
BODIES = {REQUEST: {}, JOB: {"async": True}, CAREFUL: {"async": True, "maxLatencyMs": 5}}


def arguments():
    parser = argparse.ArgumentParser(prog="bench/driver/jobs.py")
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path, default=contestants.ROOT / "bench/results/jobs.md")
    return parser.parse_args()


def milliseconds(timestamp):
    return datetime.datetime.fromisoformat(timestamp).timestamp() * 1000


def end_of(client, job):
    """Waits for the end of a job, and returns its last report."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while job["endedAt"] is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: the job has not ended after {PATIENCE_SECONDS} s: {job}")
        time.sleep(POLL_SECONDS)
        job = json.loads(client("GET", f"/api/cache/jobs/{job['id']}").body)["data"]
    return job


def cleared(client, body):
    """Clears the tenth. Returns milliseconds and keys removed."""
    body = {"pattern": "users:*", **body}
    taken, answer = client.timed_ms("POST", "/api/cache/clear", json.dumps(body).encode())
    content = json.loads(answer.body)
    if answer.status == 200:
        return taken, content["stats"]["keysDeleted"]
    if answer.status != 202:
        raise SystemExit(f"bench: {answer.status}: {content}")
    job = end_of(client, content["job"])
    return milliseconds(job["endedAt"]) - milliseconds(job["createdAt"]), job["keysRemoved"]


def measure(app, server, keys, runs):
    """Milliseconds and the other client's waits of each way, in turn."""
    found = {name: [] for name in BODIES}
    for run in range(runs):
        for name, body in BODIES.items():
            server.fill(keys, SHARE)
            client = app.client()
            with Prober(server.port) as probe:
                taken, removed = cleared(client, body)
            client.close()
            if removed != keys // SHARE:
                raise SystemExit(f"bench: {name} has removed {removed} of {keys // SHARE} keys")
            found[name].append({"ms": taken, **probe.result})
            print(f"bench: run {run + 1}, {name}: {taken:.0f} ms, p99 {probe.result['p99_ms']:.2f} ms", file=sys.stderr, flush=True)
    return found


def median(rows, field):
    return statistics.median(row[field] for row in rows)


def spread(rows, field, digits):
    values = [row[field] for row in rows]
    return f"{median(rows, field):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def report(found, keys, runs):
    about = machine.describe([])
    lines = [
        f"# A clear of {keys // SHARE:,} of {keys:,} keys, in one request and as a job",
        "",
        f"Measured by `bench/driver/jobs.py` on {about['date']}: {about['cores']} cores, Redis {about['redis']}, local host, load average "
        f"{machine.load_average():.2f}; medians of {runs} rounds, with minimum and maximum. Another client reads a key twice a millisecond.",
        "",
        "| | ms | over one request | its GET, p99, ms | its slowest GET, ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, rows in found.items():
        ratio = "" if name == REQUEST else f"{ratio_of(found, name):.2f}"
        waits = f"{spread(rows, 'p99_ms', 2)} | {spread(rows, 'max_ms', 1)}"
        lines.append(f"| {name} | {spread(rows, 'ms', 0)} | {ratio} | {waits} |")
    return "\n".join(lines) + "\n"


def ratio_of(found, name):
    """The median of the ratios of each round, whose measurements follow each other."""
    return statistics.median(job["ms"] / request["ms"] for job, request in zip(found[name], found[REQUEST], strict=True))


def missed(found):
    ratio, p99 = ratio_of(found, JOB), median(found[CAREFUL], "p99_ms")
    if ratio > MAX_RATIO:
        yield f"a job takes {ratio:.2f} times as long as one request: more than {MAX_RATIO}"
    if p99 >= MAX_P99_MS:
        yield f"another client's 99th percentile beside a job with `maxLatencyMs` 5 is {p99:.2f} ms: not below {MAX_P99_MS}"


def main():
    given = arguments()
    processes.end_in_order()
    program = os.environ.get("LOCAL_HOST_BIN") or str(contestants.ROOT / "target/host/local-host")
    with tempfile.TemporaryDirectory(prefix="edge-cache-bench-") as work, Server(work) as server:
        app = contestants.Ours("local", "edge-cache on local-host", work, server.port, program, contestants.ROOT / "data/catalogue.sql")
        app.start()
        try:
            app.settle()
            found = measure(app, server, given.keys, given.runs)
        finally:
            app.stop()

    given.output.write_text(report(found, given.keys, given.runs))
    problems = list(missed(found))
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
