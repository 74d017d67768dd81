"""The contestants, and how each is started."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import processes
from http1 import Client

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "the-token-of-the-benchmarks-7c1e"
TOKEN_SHA256 = hashlib.sha256(TOKEN.encode()).hexdigest()
START_PATIENCE_SECONDS = 120


class Contestant:
    """A server that is measured."""

    ours = False

    def __init__(self, key, label, work, redis_port):
        self.key, self.label, self.work, self.redis_port = key, label, Path(work) / key, redis_port
        self.port, self.process = None, None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def forget_compiled(self):
        """Makes the next start the first one."""

    def start(self):
        """Starts it, and returns the seconds until the first response."""
        self.work.mkdir(parents=True, exist_ok=True)
        self.port = processes.free_port()
        started = time.perf_counter()
        with open(self.work / "stderr.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env={**os.environ, **self.environment()}, stdout=subprocess.DEVNULL, stderr=log
            )
        while True:
            try:
                client = Client(self.port)
                answer = client("GET", "/api/cache/health/live")
                client.close()
                if answer.status == 200:
                    return time.perf_counter() - started
            except OSError:
                pass
            self._must_live(started)
            time.sleep(0.002)

    def settle(self):
        """Waits until background work after the start has ended: hosts compile components that were not requested yet."""
        while True:
            before = processes.cpu_seconds(self.pids())
            time.sleep(0.5)
            if processes.cpu_seconds(self.pids()) - before < 0.05:
                return

    def _must_live(self, started):
        late = time.perf_counter() - started > START_PATIENCE_SECONDS
        if self.process.poll() is not None or late:
            tail = (self.work / "stderr.log").read_text(errors="replace")[-2000:]
            self.stop()
            raise SystemExit(f"bench: {self.label} did not start:\n{tail}")

    def stop(self):
        if self.process:
            processes.stop(self.process)
            self.process = None

    def client(self):
        return Client(self.port, {"authorization": f"Bearer {TOKEN}"})

    def pids(self):
        return processes.tree(self.process.pid)

    def version(self):
        return ""


def _output(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


class Ours(Contestant):
    """edge-cache on a host that runs spin.toml, with the sample shop in the same process, because each peer is one process."""

    ours = True

    # The files that make up its configuration: the tables of the shop and the plan of the benchmark.
    configuration = ("edge-cache.toml", "bench/plans/rows.toml")

    def __init__(self, key, label, work, redis_port, program, sql, near_ms=0):
        super().__init__(key, label, work, redis_port)
        self.program, self.sql, self.near_ms = program, sql, near_ms

    def environment(self):
        return {
            "SPIN_VARIABLE_REDIS_PORT": str(self.redis_port),
            "SPIN_VARIABLE_NEAR_MAX_AGE_MS": str(self.near_ms),
            "SPIN_VARIABLE_TOKENS": f"bench:admin:{TOKEN_SHA256}",
            "XDG_CACHE_HOME": str(self.work / "compiled"),
            # The same as in scripts/up.
            "SPIN_MAX_INSTANCE_COUNT": "5000",
        }

    def manifest(self):
        """spin.toml with absolute paths and the routes of examples/catalog, under one base URL, beside its configuration."""
        text = _with_shop((ROOT / "spin.toml").read_text())
        text = text.replace('source = "target/', f'source = "{ROOT}/target/')
        path = self.work / "spin.toml"
        path.write_text(text)
        parts = [(ROOT / part).read_text() for part in self.configuration]
        (self.work / "edge-cache.toml").write_text("\n".join(parts))
        return str(path)

    def forget_compiled(self):
        shutil.rmtree(self.work / "state", ignore_errors=True)
        shutil.rmtree(self.work / "compiled", ignore_errors=True)

    def command(self):
        common = ["-f", self.manifest(), "--listen", f"127.0.0.1:{self.port}", "--sqlite", f"@{self.sql}"]
        # The same as in scripts/up.
        common += ["--state-dir", str(self.work / "state"), "--max-instance-reuse-count", "10000"]
        if self.key.startswith("spin"):
            return [self.program, "up", *common, "--quiet"]
        return [self.program, *common, "--request-timeout", "600"]

    def version(self):
        return _output(self.program, "--version")


def _with_shop(manifest):
    """A manifest with the routes and the component of the sample shop, and the variables that only the shop declares."""
    shop = (ROOT / "examples/catalog/spin.toml").read_text().replace('source = "../../', 'source = "')
    declared = re.findall(r"(?m)^(\w+) = \{ default = .*$", manifest)
    more = [found[0] for found in re.finditer(r"(?m)^(\w+) = \{ default = .*$", shop) if found[1] not in declared]
    manifest = manifest.replace("[variables]\n", "\n".join(["[variables]", *more, ""]))

    begin, end = shop.index("[[trigger.http]]"), shop.index('[[trigger.http]]\nroute = "/..."')
    return manifest + "\n" + shop[begin:end]


class Fastify(Contestant):
    """Peer (a): Node, Fastify and ioredis; with `near_ms` also an LRU cache in its memory."""

    def __init__(self, work, redis_port, sql, near_ms=0):
        name = ("fastify-near", "Node: Fastify, ioredis, lru-cache") if near_ms else ("fastify", "Node: Fastify, ioredis")
        super().__init__(*name, work, redis_port)
        self.sql, self.near_ms = sql, near_ms

    def command(self):
        return ["node", str(ROOT / "bench/peers/fastify/src/server.js")]

    def environment(self):
        return _peer_environment(self) | {"NEAR_MS": str(self.near_ms)}

    def version(self):
        lock = (ROOT / "bench/peers/fastify/package-lock.json").read_text()
        found = {name: re.search(rf'"node_modules/{name}": {{\s*"version": "([^"]+)"', lock) for name in ("fastify", "ioredis", "lru-cache")}
        packages = ", ".join(f"{name} {match[1]}" for name, match in found.items() if match)
        return f"Node {_output('node', '--version')}, {packages}"


class Axum(Contestant):
    """Peer (b): native Rust, axum and the redis crate."""

    def __init__(self, work, redis_port, sql):
        super().__init__("axum", "native Rust: axum, redis", work, redis_port)
        self.sql = sql

    def command(self):
        return [str(ROOT / "target/peers/release/edge-cache-bench-axum")]

    def environment(self):
        return _peer_environment(self)

    def version(self):
        lock = (ROOT / "bench/peers/axum/Cargo.lock").read_text()
        found = {name: re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock) for name in ("axum", "redis")}
        packages = ", ".join(f"{name} {match[1]}" for name, match in found.items() if match)
        return f"{_output('rustc', '--version')}, {packages}"


def _peer_environment(peer):
    return {
        "PORT": str(peer.port),
        "REDIS_PORT": str(peer.redis_port),
        "TOKEN_SHA256": TOKEN_SHA256,
        "CATALOGUE": str(peer.sql),
        "NODE_ENV": "production",
    }


NEAR_MS = 1000


def all_of(work, redis_port, sql):
    """Every contestant that can run here."""
    found = [Ours(key, label, work, redis_port, program, sql) for key, label, program in _hosts()]
    return found + [Fastify(work, redis_port, sql), Axum(work, redis_port, sql)]


def with_near_copies(work, redis_port, sql):
    """Those that keep near copies, for at most a second."""
    found = [
        Ours(f"{key}-near", f"{label}, near copies", work, redis_port, program, sql, NEAR_MS) for key, label, program in _hosts()
    ]
    return found + [Fastify(work, redis_port, sql, NEAR_MS)]


def _hosts():
    local = os.environ.get("LOCAL_HOST_BIN") or str(ROOT / "target/host/local-host")
    spin = os.environ.get("SPIN_BIN") or shutil.which("spin")
    yield "local", "edge-cache on local-host", local
    if spin:
        yield "spin", "edge-cache on Spin", spin
