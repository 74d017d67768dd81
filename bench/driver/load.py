"""Requests per second by wrk, with what they cost the server and Redis in processor time."""

import re
import subprocess
import time

import processes
from contestants import TOKEN

WARM_SECONDS = 0.4
UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


def _wrk(contestant, path, connections, seconds):
    # One thread: it drives more than any server here answers, and leaves the other core alone.
    url = f"http://127.0.0.1:{contestant.port}{path}"
    return ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {TOKEN}", url]


def _time_ms(text):
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS_MS[unit]


def _found(pattern, text):
    match = re.search(pattern, text)
    return match[1] if match else None


def parse(text):
    """What wrk printed, as numbers."""
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
    """Load that is not measured: instances and connections are there afterwards."""
    process = subprocess.Popen(_wrk(contestant, path, connections, 10), stdout=subprocess.DEVNULL)
    time.sleep(WARM_SECONDS)
    process.kill()
    process.wait()


def measure(contestant, redis_pid, path, connections, seconds):
    """One load. Memory is read at its end, while the server is still as large as it became."""
    warm(contestant, path, connections)
    pids = contestant.pids()
    before, redis_before = processes.cpu_seconds(pids), processes.cpu_seconds([redis_pid])
    told = subprocess.run(_wrk(contestant, path, connections, seconds), check=True, capture_output=True, text=True).stdout
    figures = parse(told)
    requests = max(figures["requests"], 1)
    figures["cpu_us"] = (processes.cpu_seconds(pids) - before) * 1e6 / requests
    figures["redis_cpu_us"] = (processes.cpu_seconds([redis_pid]) - redis_before) * 1e6 / requests
    figures["memory_bytes"] = processes.memory_bytes(pids)
    return figures
