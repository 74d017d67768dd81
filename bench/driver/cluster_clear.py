"""Measures a Cluster of three primaries: a clear of a tenth of the keys, and what a cached read costs.

    python3 bench/driver/cluster_clear.py [--keys 1000000] [--rounds 5]

The clear is compared with a shell script, with ioredis, and with the same clear on one server. It needs the output of scripts/build
and the packages of bench/peers/fastify, and writes bench/results/cluster.md.
"""

import argparse
import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import machine
from cluster import Cluster, slot_of
from contestants import ROOT
from resp import Redis
from server import Server
from soak import Application
from soak_cluster import ApplicationOnCluster

SHARE = 10
BATCH = 5000
READS = 1000
READ_PATH = "/api/products/popular"
# As an operator would write it: one script on each primary, which blocks it until the end. One command for each key, because they are in
# many slots.
SCRIPT = """
local cursor, removed = '0', 0
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', 'users:*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do removed = removed + redis.call('UNLINK', key) end
until cursor == '0'
return removed
"""
CLEAR_BODY = json.dumps({"pattern": "users:*", "confirm": True}).encode()
LABELS = {
    "ours": "edge-cache on local-host",
    "one": "edge-cache, the same keys on one server",
    "script": "redis-cli --cluster call, with a script",
    "ioredis": "Node: ioredis",
}


def fill(cluster, count):
    """Writes `count` keys of 40 bytes, of which one in ten begins with `users:`."""
    nodes = cluster.nodes()
    batches = {port: [] for port in cluster.primaries()}
    for number in range(count):
        key = b"%s:%d" % (b"users" if number % SHARE == 0 else b"other", number)
        port = nodes.owners[slot_of(key)]
        batches[port] += [key, b"%040d" % number]
        if len(batches[port]) == 2 * BATCH:
            write(nodes.on(port), batches[port])
            batches[port] = []
    for port, batch in batches.items():
        write(nodes.on(port), batch)
    nodes.close()


def write(redis, batch):
    """Writes names and values of one node. They may be in many slots, so each has a command of its own."""
    for at in range(0, len(batch), 2):
        redis.send("SET", batch[at], batch[at + 1])
    for _ in range(0, len(batch), 2):
        redis.reply()


def fill_server(server, count):
    server.redis("FLUSHALL")
    server.populate(count // SHARE, "users")
    server.populate(count - count // SHARE, "other")


def expect(label, removed, wanted):
    if removed != wanted:
        raise SystemExit(f"bench: {label} removed {removed} keys instead of {wanted}; the figures would be meaningless")


def clear_by(app, wanted):
    client = app.client("admin")
    began = time.perf_counter()
    answer = client("POST", "/api/cache/clear", CLEAR_BODY)
    seconds = time.perf_counter() - began
    client.close()
    expect(app.label, json.loads(answer.body)["stats"]["keysDeleted"], wanted)
    return seconds


def clear_by_script(cluster, wanted):
    command = ["redis-cli", "--cluster", "call", "--cluster-only-masters", f"127.0.0.1:{cluster.port}", "EVAL", SCRIPT, "0"]
    began = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - began
    removed = sum(int(count) for count in re.findall(r"(?m)^127\.0\.0\.1:\d+: \(?(?:integer\) )?(\d+)$", output))
    expect(LABELS["script"], removed, wanted)
    return seconds


def clear_by_ioredis(cluster, wanted):
    program = ROOT / "bench/peers/fastify/src/clear-cluster.js"
    output = subprocess.run(["node", program, str(cluster.port), "users:*"], check=True, capture_output=True, text=True).stdout
    figures = json.loads(output)
    expect(LABELS["ioredis"], figures["removed"], wanted)
    return figures["ms"] / 1000


def clears(cluster, server, apps, given):
    """The seconds of each clear, in rounds that rotate."""
    wanted = given.keys // SHARE
    work = {
        "ours": lambda: clear_by(apps["ours"], wanted),
        "script": lambda: clear_by_script(cluster, wanted),
        "ioredis": lambda: clear_by_ioredis(cluster, wanted),
        "one": lambda: clear_by(apps["one"], wanted),
    }
    seconds = {name: [] for name in LABELS}
    for number in range(given.rounds):
        names = list(work)
        names = names[number % len(names) :] + names[: number % len(names)]
        for name in names:
            if name == "one":
                fill_server(server, given.keys)
            else:
                fill(cluster, given.keys)
            seconds[name].append(work[name]())
        print(f"bench: round {number + 1} of {given.rounds}", flush=True)
    return seconds


def commands_of(cluster):
    """How often each node has executed each command of a client."""
    counts = {}
    for port in cluster.primaries():
        redis = Redis(port)
        stats = redis.info("commandstats")
        redis.close()
        for name, fields in stats.items():
            command = name.removeprefix("cmdstat_")
            if command not in ("info", "ping", "replconf", "publish") and not command.startswith(("cluster", "config")):
                counts[port, command] = int(fields.split("calls=")[1].split(",")[0])
    return counts


def reads(cluster, app):
    """The commands that cached reads of one key cost, by node and command."""
    client = app.client("viewer")
    for _ in range(20):
        client("GET", READ_PATH)
    before = commands_of(cluster)
    for _ in range(READS):
        answer = client("GET", READ_PATH)
        if answer.status != 200 or answer.headers.get("x-cache") != "HIT":
            raise SystemExit(f"bench: GET {READ_PATH}: {answer.status} {answer.headers.get('x-cache')}")
    after = commands_of(cluster)
    client.close()
    return {where: count - before.get(where, 0) for where, count in after.items() if count > before.get(where, 0)}


def report(seconds, read, given):
    here = machine.describe([])
    median = {name: statistics.median(rounds) for name, rounds in seconds.items()}
    yield "# A Redis Cluster of three primaries"
    yield ""
    yield f"Measured by `bench/driver/cluster_clear.py` on {here['date']}: {here['cores']} cores ({here['processor']}), Redis {here['redis']}, load average"
    yield f"{machine.load_average()}. Six nodes (three of them replicas), the clients and the host share these cores."
    yield ""
    yield f"## A clear of {given.keys // SHARE:,} of {given.keys:,} keys"
    yield ""
    yield f"Seconds: medians of {given.rounds} rounds (least to most); the ratio is the median of the rounds' own."
    yield ""
    yield "| by | seconds | of edge-cache's time |"
    yield "| --- | --- | --- |"
    for name, label in LABELS.items():
        ratio = statistics.median(other / ours for other, ours in zip(seconds[name], seconds["ours"]))
        yield f"| {label} | {median[name]:.2f} ({min(seconds[name]):.2f}-{max(seconds[name]):.2f}) | {ratio:.2f} |"
    yield ""
    yield "## A cached read"
    yield ""
    yield f"Commands on all primaries during {READS:,} requests `GET {READ_PATH}`, one after another, all of them hits. The rest are the"
    yield "shared reads of fences and counters, which do not grow with the number of reads."
    yield ""
    yield "| node | command | calls | a read |"
    yield "| --- | --- | --- | --- |"
    numbers = {port: number for number, port in enumerate(sorted({port for port, _ in read}), 1)}
    for (port, command), calls in sorted(read.items(), key=lambda item: -item[1]):
        yield f"| {numbers[port]} | {command} | {calls:,} | {calls / READS:.3f} |"
    yield ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as work, Cluster(work) as cluster, Server(work) as server:
        apps = {"ours": ApplicationOnCluster(Path(work) / "cluster", cluster), "one": Application(Path(work) / "one", server)}
        try:
            for app in apps.values():
                app.start()
                app.settle()
            read = reads(cluster, apps["ours"])
            seconds = clears(cluster, server, apps, given)
        finally:
            for app in apps.values():
                app.stop()

    text = "\n".join(report(seconds, read, given))
    (ROOT / "bench/results/cluster.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
