"""Requests a second, measured by wrk, with the processor time of the server and of Redis."""

import re
import subprocess
import time

import processes
from contestants import TOKEN

WARM_SECONDS = 0.4
UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


def _wrk(contestant, path, connections, seconds):
    # One thread is enough to saturate every server here, and leaves the other core to the server.
    url = f"http://127.0.0.1:{contestant.port}{path}"
    return ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {TOKEN}", url]


def _time_ms(text):
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS_MS[unit]


def _found(pattern, text):
    match = re.search(pattern, text)
    return match[1] if match else None


def parse(text):
    """Parses the output of wrk."""
    failed = int(_found(r"Non-2xx or 3xx responses: (\d+)", text) or 0)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {
        "requests": int(_found(r"(\d+) requests in", text)),
        "per_second": float(_found(r"Requests/sec:\s+([0-9.]+)", text)),
        "p50_ms": _time_ms(_found(r"(?m)^\s+50%\s+(\S+)", text)),
        "p99_ms": _time_ms(_found(r"(?m)^\s+99%\s+(\S+)", text)),
        "failed": failed + (sum(map(int, errors.groups())) if errors else 0),
    }


def warm(contestant, path, connections):
    """Sends load that is not measured, so that instances and connections exist."""
    process = subprocess.Popen(_wrk(contestant, path, connections, 10), stdout=subprocess.DEVNULL)
    time.sleep(WARM_SECONDS)
    process.kill()
    process.wait()


def count(contestant, path, connections, seconds):
    """Sends one load; the number of requests, none of which may fail."""
    output = subprocess.run(_wrk(contestant, path, connections, seconds), check=True, capture_output=True, text=True).stdout
    figures = parse(output)
    if figures["failed"] or not figures["requests"]:
        raise SystemExit(f"bench: {contestant.label}: {figures['failed']} of {figures['requests']} requests of {path} failed")
    return figures["requests"]


def measure(contestant, redis_pid, path, connections, seconds):
    """Measures one load. Memory is read at its end, when it is largest."""
    warm(contestant, path, connections)
    pids = contestant.pids()
    before, redis_before = processes.cpu_seconds(pids), processes.cpu_seconds([redis_pid])
    output = subprocess.run(_wrk(contestant, path, connections, seconds), check=True, capture_output=True, text=True).stdout
    figures = parse(output)
    requests = max(figures["requests"], 1)
    figures["cpu_us"] = (processes.cpu_seconds(pids) - before) * 1e6 / requests
    figures["redis_cpu_us"] = (processes.cpu_seconds([redis_pid]) - redis_before) * 1e6 / requests
    figures["memory_bytes"] = processes.memory_bytes(pids)
    return figures
