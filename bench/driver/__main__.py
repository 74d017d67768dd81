"""Compares edge-cache with its peers; scripts/bench runs it after building."""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import cases
import chart
import contestants
import invalidations
import machine
import processes
from figures import Figures
from report import ROUTES, Report
from server import Server

RESULTS = contestants.ROOT / "bench/results"
SHARE = 10
CONNECTIONS = (1, 16, 64)
GIB_FOR_HUGE = 4
STARTED = time.monotonic()


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--huge", action="store_true")
    parser.add_argument("--shop", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


def settings_of(given):
    if given.quick:
        sizes, runs, seconds, callers, tag_keys = [1_000, 10_000, 100_000], 2, 1, 1000, 10_000
    else:
        sizes, runs, seconds, callers, tag_keys = [10_000, 100_000, 1_000_000], 5, 2, 1000, 100_000
    if given.huge and machine.free_gib() < GIB_FOR_HUGE:
        print(f"bench: --huge is skipped, it needs {GIB_FOR_HUGE} GiB of free memory", file=sys.stderr)
        given.huge = False
    return {
        "quick": given.quick, "runs": given.runs or runs, "seconds": seconds, "callers": callers, "tag_keys": tag_keys,
        "sizes": sizes + ([10_000_000] if given.huge else []), "keys": sizes[-1], "share": SHARE,
        "event_keys": 100_000 if given.quick else 5_000_000,
    }


def say(message):
    print(f"bench: {time.monotonic() - STARTED:4.0f} s: {message}", file=sys.stderr, flush=True)


def sql_file(work):
    """The catalogue with the rows for the warmup case, fewer than in bench/warmup."""
    rows = (contestants.ROOT / "bench/rows.sql").read_text().replace("id < 100000", f"id < {cases.WARMUP_KEYS}")
    return written(work, "catalogue.sql", rows)


def shop_file(work):
    """The catalogue of a shop twenty times as large."""
    return written(work, "shop.sql", (contestants.ROOT / "bench/shop.sql").read_text())


def written(work, name, more):
    path = Path(work) / name
    path.write_text((contestants.ROOT / "data/catalogue.sql").read_text() + more)
    return path


class Measurement:
    """One run over all cases."""

    def __init__(self, settings, server, everyone, near, shop):
        self.settings, self.server, self.everyone, self.near, self.shop = settings, server, everyone, near, shop
        self.cases, self.commands = {}, {}
        self.labels = {each.key: each.label for each in everyone + near}
        self.labels |= {"scan": "a bare SCAN pass, native", "scan-match": "a SCAN pass that returns matches, native"}

    def run(self):
        runs = self.settings["runs"]
        say("starts of the contestants")
        self.cases["start"] = cases.starts(self.everyone, 1 if self.settings["quick"] else runs)
        self.restart()
        self.small()
        # The restart frees the memory that the stampedes left, so that it does not count for the loads.
        self.restart()
        for size in self.settings["sizes"]:
            self.sized(size)
        self.near_reads()
        self.events()
        self.reads_of_a_shop()

    def restart(self):
        for each in self.everyone:
            each.stop()
            each.start()
            each.settle()

    def small(self):
        """The cases that need an empty database."""
        runs, everyone, server = self.settings["runs"], self.everyone, self.server
        say("cached reads, stampedes, warmups")
        self.cases["read"] = cases.reads(everyone, server, runs)
        self.cases["hit"] = cases.hits(everyone, server, runs, self.settings["seconds"])
        self.cases["stampede"] = cases.stampedes(everyone, server, runs, self.settings["callers"])
        self.cases["warmup"] = cases.warmups(everyone, server, runs)
        self.cases["entry"], labels = cases.entries(server)
        self.labels |= labels

    def near_reads(self):
        """Cached reads of those that keep near copies, in an empty database."""
        self.server.redis("FLUSHALL")
        for each in self.near:
            each.start()
            each.settle()
        for connections in CONNECTIONS:
            say(f"load of near copies at {connections} connections")
            measured = cases.loads(self.near, self.server, ROUTES["/products/search"], connections, self.settings["runs"], self.settings["seconds"])
            self.cases[f"near {connections}"] = measured
        for each in self.near:
            each.stop()

    def events(self):
        keys = self.settings["event_keys"]
        say(f"100 events among {keys:,} keys")
        local = next(each for each in self.everyone if each.key == "local")
        self.cases["events"] = invalidations.events(local, self.server, keys)

    def reads_of_a_shop(self):
        """Searches that scan every product. Last, because edge-cache keeps the database it was started with."""
        say("cached reads in a large shop")
        self.server.redis("FLUSHALL")
        for each in self.everyone:
            each.sql = self.shop
        self.restart()
        self.cases["read shop"] = cases.reads(self.everyone, self.server, self.settings["runs"], cases.PART_NUMBER)

    def sized(self, size):
        """The cases that depend on the number of keys."""
        runs, everyone, server = self.settings["runs"], self.everyone, self.server
        say(f"{size:,} keys: clears")
        server.fill(size, SHARE)
        for route in ("/keys", "/stats"):
            self.cases[f"latency {route} {size}"] = cases.latencies(everyone, runs, ROUTES[route], 20)
        ways = cases.removals(everyone)
        self.labels |= {way.key: way.label for way in ways}
        native = next(each for each in everyone if each.key == "axum")
        self.cases[f"clear {size}"] = cases.clears(ways, server, runs, size, SHARE) | cases.scans(native, server, runs, size)
        ours = [each for each in everyone if each.ours]
        self.cases[f"in force {size}"] = invalidations.in_force(ours, server, runs, size)
        if size == self.settings["keys"]:
            self.largest(size)

    def largest(self, size):
        """The cases that are measured at the largest size only."""
        runs, everyone, server = self.settings["runs"], self.everyone, self.server
        say(f"{size:,} keys: loads")
        for route, path in ROUTES.items():
            self.commands[route] = cases.commands(everyone, server, path)
            for connections in CONNECTIONS:
                say(f"load {route} at {connections} connections")
                measured = cases.loads(everyone, server, path, connections, runs, self.settings["seconds"])
                self.cases[f"load {route} {connections}"] = measured
        self.cases["memory"] = self.most_memory()
        say("tags")
        self.cases["tag"], ways = cases.tags(everyone, server, runs, self.settings["tag_keys"])
        self.labels |= {way.key: way.label for way in ways}

    def most_memory(self):
        """The maximum over all loads of each round."""
        loads = [figures for case, figures in self.cases.items() if case.startswith("load ")]
        rounds = range(self.settings["runs"])
        return {
            each.key: [{"memory_bytes": max(load[each.key][at]["memory_bytes"] for load in loads)} for at in rounds]
            for each in self.everyone
        }


def draw(raw, labels, output):
    figures, sizes, keys = Figures(raw), raw["settings"]["sizes"], list(raw["machine"]["versions"])
    rates = [(labels[key], [figures.median(f"load {route} 64", key, "per_second") for route in ROUTES]) for key in keys]
    (output / "load.svg").write_text(chart.bars("Requests a second, 64 connections", list(ROUTES), rates))
    named = list(raw["cases"][f"clear {sizes[-1]}"])
    grown = [(labels[key], [(size, figures.median(f"clear {size}", key, "ms")) for size in sizes]) for key in named]
    flat = [(f"GET {route}, {labels[key]}", [(size, figures.median(f"latency {route} {size}", key, "ms")) for size in sizes])
            for route in ("/keys", "/stats") for key in keys[:1]]
    grown += flat
    title = "Clearing a tenth of the keys by a pattern, a bare SCAN pass, a page of keys and statistics"
    (output / "growth.svg").write_text(chart.lines(title, "keys", "ms", grown))


def wait_for_calm():
    """A build that has just ended still raises the load average, and might affect the figures."""
    for _ in range(36):
        if not machine.is_busy():
            return
        say(f"waiting for the machine to become idle (load average {machine.load_average()})")
        time.sleep(5)


def main():
    given = arguments()
    if given.shop and not (given.output / "figures.json").exists():
        raise SystemExit(f"bench: --shop updates existing figures, but there are none in {given.output}: run scripts/bench without it first")
    settings = settings_of(given)
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(limit, 8192), most), most))
    processes.end_in_order()
    wait_for_calm()
    with tempfile.TemporaryDirectory() as work, Server(work) as server:
        sql = sql_file(work)
        everyone, near = contestants.all_of(work, server.port, sql), contestants.with_near_copies(work, server.port, sql)
        measurement = Measurement(settings, server, everyone, near, shop_file(work))
        described, before = machine.describe(everyone), machine.load_average()
        try:
            measurement.reads_of_a_shop() if given.shop else measurement.run()
        finally:
            for each in everyone + near:
                each.stop()
    raw = {"machine": described, "load_average": [before, machine.load_average()], "settings": settings}
    raw |= {"labels": measurement.labels, "commands": measurement.commands, "cases": measurement.cases}
    if given.shop:
        # Updates the existing figures, which record the date of these cases separately.
        again = raw
        raw = json.loads((given.output / "figures.json").read_text())
        raw["cases"] |= again["cases"]
        raw["labels"] |= again["labels"]
        raw["shop"] = {name: described[name] for name in ("date", "commit", "changed")} | {"runs": settings["runs"]}
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "figures.json").write_text(json.dumps(raw, indent=1) + "\n")
    draw(raw, raw["labels"], given.output)
    text = Report(raw, raw["labels"]).text()
    (given.output / "figures.md").write_text(text)
    print(text)


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main()
