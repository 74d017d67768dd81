"""Compares the rate of cached reads on axum with that of plain GETs, in one process, in alternating rounds.

    python3 bench/driver/hits.py [--rounds 7] [--seconds 3]

Builds bench/hits, starts a private Redis, and writes bench/results/hits.md.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

import load
import machine
import processes
from contestants import ROOT
from http1 import Client
from server import Server

CONNECTIONS = (1, 32)
ROUTES = {"a plain GET": "/plain", "`get_or_set_later`, a hit": "/cached"}
START_SECONDS = 20


class Service:
    """bench/hits on a Redis."""

    label = "bench/hits"

    def __init__(self, redis_port):
        self.port = processes.free_port()
        environment = {"REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "PORT": str(self.port)}
        program = ROOT / "target/peers/release/edge-cache-bench-hits"
        self.process = subprocess.Popen([program], env={**os.environ, **environment})

    def pids(self):
        return [self.process.pid]

    def await_answers(self):
        for path in ROUTES.values():
            self._await_answer(path)

    def _await_answer(self, path):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if Client(self.port)("GET", path).status == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"bench: {self.label} does not answer {path}")
            time.sleep(0.02)


def build():
    command = ["cargo", "build", "--release", "--locked", "--target-dir", "target/peers"]
    subprocess.run([*command, "--manifest-path", "bench/hits/Cargo.toml"], cwd=ROOT, check=True)


def median_of(rounds, name):
    return statistics.median(figures[name] for figures in rounds)


def table(service, redis_pid, given):
    yield "| connections | read | requests a second | of the plain rate | p99 ms | service CPU us | Redis CPU us |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for connections in CONNECTIONS:
        measured = {label: [] for label in ROUTES}
        for _ in range(given.rounds):
            for label, path in ROUTES.items():
                measured[label].append(load.measure(service, redis_pid, path, connections, given.seconds))

        rates = [[figures["per_second"] for figures in rounds] for rounds in measured.values()]
        shares = {"a plain GET": 1.0}
        # The two of a round met the same noise.
        shares["`get_or_set_later`, a hit"] = statistics.median(hit / plain for plain, hit in zip(*rates))
        for label, rounds in measured.items():
            if failed := sum(figures["failed"] for figures in rounds):
                raise SystemExit(f"bench: {failed} requests of {label} failed")
            yield (
                f"| {connections} | {label} | {median_of(rounds, 'per_second'):,.0f} | {shares[label]:.2f}"
                f" | {median_of(rounds, 'p99_ms'):.2f} | {median_of(rounds, 'cpu_us'):.1f} | {median_of(rounds, 'redis_cpu_us'):.1f} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    given = parser.parse_args()

    build()
    with tempfile.TemporaryDirectory() as work, Server(work) as redis:
        service = Service(redis.port)
        try:
            service.await_answers()
            lines = list(table(service, redis.process.pid, given))
        finally:
            processes.stop(service.process)

    here = machine.describe([])
    text = "\n".join([
        "# A cached read on axum beside a plain GET",
        "",
        f"Measured by `bench/driver/hits.py` on {here['date']}: {here['cores']} cores ({here['processor']}), Redis {here['redis']},",
        f"load average {machine.load_average()}. wrk, the service and Redis share these cores. A value of about 1 KB; medians of {given.rounds} alternating",
        f"rounds of {given.seconds} s; the share is the median of the rounds' own.",
        "",
        *lines,
        "",
    ])
    (ROOT / "bench/results/hits.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
