"""Another client of the same Redis: reads one small key twice a millisecond, and reports the slowest reply.

Runs as a separate process, so that it waits only for Redis. Its argument is the port of Redis. It ends when its input ends, and
prints one line of JSON.
"""

import json
import select
import subprocess
import sys
import time
from pathlib import Path

from resp import Redis

PAUSE_SECONDS = 0.0005


def main(port):
    redis, taken_ms = Redis(port), []
    redis("GET", "bench:probe")
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        started = time.perf_counter()
        redis("GET", "bench:probe")
        taken_ms.append((time.perf_counter() - started) * 1000)
    taken_ms.sort()
    count = len(taken_ms)
    print(json.dumps({"count": count, "p99_ms": taken_ms[count * 99 // 100] if count else 0, "max_ms": max(taken_ms, default=0)}))


class Prober:
    """Runs the process during a block: `with Prober(port) as probe: ...; probe.result`."""

    def __init__(self, port):
        self.port, self.result = port, None

    def __enter__(self):
        command = [sys.executable, str(Path(__file__)), str(self.port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        output, _ = self.process.communicate()
        self.result = json.loads(output)


if __name__ == "__main__":
    main(int(sys.argv[1]))
