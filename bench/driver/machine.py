"""The machine that figures were measured on."""

import datetime
import os
import re
import subprocess
from pathlib import Path

from contestants import ROOT


def _output(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def _first(pattern, text):
    match = re.search(pattern, text)
    return match[1].strip() if match else "unknown"


def describe(contestants):
    memory_kib = int(_first(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()))
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _output("git", "rev-parse", "--short", "HEAD") or "unknown",
        "changed": bool(_output("git", "status", "--porcelain", "--untracked-files=no")),
        "processor": _first(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text()),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kib / 1024 / 1024, 1),
        "kernel": _output("uname", "-sr"),
        "redis": _first(r"v=(\S+)", _output("redis-server", "--version")),
        "versions": {each.key: each.version() for each in contestants},
        "components": {path.stem: path.stat().st_size for path in sorted((ROOT / "target/wasm32-wasip2/release").glob("*.wasm"))},
    }


def load_average():
    return round(os.getloadavg()[0], 2)


def is_busy():
    return load_average() > os.cpu_count() / 2


def free_gib():
    return int(_first(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())) / 1024 / 1024
