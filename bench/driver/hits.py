"""Compares the rate of cached reads with that of plain GETs, in one process, in alternating rounds: on axum, in a component on
local-host, and on Spin.

    python3 bench/driver/hits.py [--rounds 7] [--seconds 3]

Builds bench/hits and bench/hits-spin, starts a private Redis, and writes bench/results/hits.md. The hosts are LOCAL_HOST_BIN or the
output of scripts/build, and SPIN_BIN or `spin`; one that does not exist is left out.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import load
import machine
import processes
from contestants import ROOT
from http1 import Client
from server import Server

CONNECTIONS = (1, 32)
PLAIN, HIT = "a plain GET", "a hit"
ROUTES = {PLAIN: "/plain", HIT: "/cached"}
START_SECONDS = 60
COMPONENT = ROOT / "target/hits-spin/wasm32-wasip2/release/edge_cache_bench_hits_spin.wasm"


class Service:
    """A service with both routes, on a Redis."""

    def __init__(self, label, command, work, redis_port):
        self.label, self.port = label, processes.free_port()
        environment = {
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "PORT": str(self.port),
            "SPIN_VARIABLE_REDIS_PORT": str(redis_port),
            "XDG_CACHE_HOME": str(work),
            "SPIN_MAX_INSTANCE_COUNT": "5000",
        }
        command = [part.format(port=self.port, work=work) for part in command]
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)

    def pids(self):
        return processes.tree(self.process.pid)

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


def services():
    """The commands by label."""
    yield "axum", [str(ROOT / "target/peers/release/edge-cache-bench-hits")]
    options = ["-f", str(ROOT / "bench/hits-spin/spin.toml"), "--listen", "127.0.0.1:{port}", "--state-dir", "{work}/state"]
    options += ["--max-instance-reuse-count", "10000"]
    local = os.environ.get("LOCAL_HOST_BIN") or str(ROOT / "target/host/local-host")
    if Path(local).exists():
        yield "local-host", [local, *options]
    if spin := os.environ.get("SPIN_BIN") or shutil.which("spin"):
        yield "Spin", [spin, "up", *options, "--quiet"]


def build(*options):
    subprocess.run(["cargo", "build", "--release", "--locked", *options], cwd=ROOT, check=True)


def build_component(*options):
    """Returns its size in KB."""
    build("--target", "wasm32-wasip2", "--target-dir", "target/hits-spin", "--manifest-path", "bench/hits-spin/Cargo.toml", *options)
    return COMPONENT.stat().st_size / 1000


def median_of(rounds, name):
    return statistics.median(figures[name] for figures in rounds)


def rows(service, redis_pid, given):
    for connections in CONNECTIONS:
        measured = {label: [] for label in ROUTES}
        for _ in range(given.rounds):
            for label, path in ROUTES.items():
                measured[label].append(load.measure(service, redis_pid, path, connections, given.seconds))

        # The two of a round met the same noise.
        rates = [[figures["per_second"] for figures in rounds] for rounds in measured.values()]
        shares = {PLAIN: 1.0, HIT: statistics.median(hit / plain for plain, hit in zip(*rates))}
        for label, rounds in measured.items():
            if failed := sum(figures["failed"] for figures in rounds):
                raise SystemExit(f"bench: {failed} requests of {label} on {service.label} failed")
            yield (
                f"| {service.label} | {connections} | {label} | {median_of(rounds, 'per_second'):,.0f} | {shares[label]:.2f}"
                f" | {median_of(rounds, 'p99_ms'):.2f} | {median_of(rounds, 'cpu_us'):.1f} | {median_of(rounds, 'redis_cpu_us'):.1f} |"
            )


def measure(given):
    yield "| service | connections | read | requests a second | of the plain rate | p99 ms | service CPU us | Redis CPU us |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for label, command in services():
        with tempfile.TemporaryDirectory() as work, Server(work) as redis:
            service = Service(label, command, work, redis.port)
            try:
                service.await_answers()
                yield from rows(service, redis.process.pid, given)
            finally:
                processes.stop(service.process)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    given = parser.parse_args()

    build("--target-dir", "target/peers", "--manifest-path", "bench/hits/Cargo.toml")
    without = build_component("--no-default-features")
    whole = build_component()
    lines = list(measure(given))

    here = machine.describe([])
    text = "\n".join([
        "# A cached read beside a plain GET",
        "",
        f"Measured by `bench/driver/hits.py` on {here['date']}: {here['cores']} cores ({here['processor']}), Redis {here['redis']},",
        f"load average {machine.load_average()}. wrk, the service and Redis share these cores. A value of about 1 KB; medians of {given.rounds} alternating",
        f"rounds of {given.seconds} s; the share is the median of the rounds' own. A hit on axum is `get_or_set_later`, in a component `get_or_set`.",
        "",
        *lines,
        "",
        f"The component has {whole:,.0f} KB; without the library and the route that uses it, {without:,.0f} KB.",
        "",
    ])
    (ROOT / "bench/results/hits.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
