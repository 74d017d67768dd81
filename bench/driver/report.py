"""The raw figures as a page of tables with a summary."""

import goals
from figures import Figures, plain

ROUTES = {"/health/live": "/api/cache/health/live", "/health": "/api/cache/health", "/stats": "/api/cache/stats", "/keys": "/api/cache/keys?limit=100",
          "/products/search": "/api/products/search?q=brake"}
MIB = 1 / (1 << 20)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def cores_of(raw):
    return raw["machine"]["cores"]


class Report:
    def __init__(self, raw, labels):
        self.raw, self.figures, self.labels = raw, Figures(raw), labels
        self.settings, self.keys = raw["settings"], raw["settings"]["keys"]
        self.contestants = list(raw["machine"]["versions"])

    def rows(self, case, *columns):
        """One row for each contestant of a case; a column is (name, scale) or a function of the contestant's key."""
        for key in self.raw["cases"].get(case, {}):
            cells = [column(key) if callable(column) else self.figures.cell(case, key, *column) for column in columns]
            yield [self.labels[key], *cells]

    def text(self):
        parts = [self.head(), self.reading(), self.goals(), self.starts(), self.loads(), self.removals(), self.cached()]
        parts += [self.entries(), self.growth(), self.commands(), self.components()]
        return "\n".join(line for part in parts for line in part)

    def head(self):
        machine, settings = self.raw["machine"], self.settings
        quick = " **A quick run with smaller sizes: a trial, not for quoting.**" if settings["quick"] else ""
        before, after = self.raw["load_average"]
        yield "# Figures"
        yield ""
        yield (f"Measured by `scripts/bench` on {machine['date']}, commit {machine['commit']}"
               f"{' with changes' if machine['changed'] else ''}: {machine['processor']}, {machine['cores']} cores, "
               f"{machine['memory_gib']} GiB, {machine['kernel']}, Redis {machine['redis']}; Redis and the clients run on the same machine. "
               f"Load average {before} before, {after} after.{quick}")
        yield ""
        yield (f"Medians of {settings['runs']} rounds, with minimum and maximum in parentheses. In each round all contestants are "
               f"measured, in an order that rotates. Warm-up is excluded; a load lasts {settings['seconds']} s. "
               "[docs/PERFORMANCE.md](../../docs/PERFORMANCE.md) explains the tables and what is guaranteed. "
               "[figures.json](figures.json) has all rounds.")
        yield ""
        yield from table(["contestant", "versions"], [[self.labels[key], version] for key, version in machine["versions"].items()])

    def ours(self):
        return [key for key in self.contestants if key in ("local", "spin")]

    def goals(self):
        yield "## Goals"
        yield ""
        for key in self.ours():
            words = {True: "met", False: "**missed**", None: ""}
            judged = goals.judge(self.figures, key, self.keys, self.settings["sizes"])
            yield from table([f"goal, {self.labels[key]}", "", "result"], [[goal, words[met], seen] for goal, met, seen in judged])

    def reading(self):
        judged = goals.judge(self.figures, "local", self.keys, self.settings["sizes"])
        measured = [met for _, met, _ in judged if met is not None]
        missed = [goal for goal, met, _ in judged if met is False]
        yield "## Summary"
        yield ""
        if self.raw["load_average"][0] > cores_of(self.raw) / 2:
            yield (f"**The machine was busy in the minute before the run** (load average {self.raw['load_average'][0]}): the starts, "
                   "which were measured first, may be too slow. If it stayed busy, rates are too low and spreads too wide.")
        verdict = "Missed: " + "; ".join(missed) + "." if missed else "None was missed."
        yield f"On local-host {measured.count(True)} of {len(measured)} goals were met in this run. {verdict}"
        rate = {key: self.figures.median("load /stats 64", key, "per_second") for key in self.contestants}
        rates = ", ".join(f"{self.labels[key]} {plain(value)}" for key, value in rate.items() if value)
        yield f"`/stats` at 64 connections, requests a second: {rates}."
        costs = [self.figures.median(f"load {route} 64", key, "cpu_us") for key in ("local", "fastify") for route in ("/health/live", "/health")]
        if None not in costs:
            yield ("Processor time a request of `/health/live`, which does not touch Redis, and of `/health`: {:.0f} and {:.0f} us on "
                   "local-host, {:.0f} and {:.0f} us for the Node peer.".format(*costs))
        axum = self.figures.ratio("load /stats 64", "local", "axum", "cpu_us")
        if axum:
            yield (f"A request for `/stats` costs local-host {axum:.1f} times the processor time of the native peer: the price of "
                   "a sandbox for each component, a second runtime, and a log line with a request id.")
        spread = self.widest()
        yield (f"The widest spread of a rate is {spread:.0%} of its median; smaller differences mean nothing. "
               "The Node peer is one process, as in a container, and cannot use a second core; the others can. "
               "Compare CPU a request if cores are scarce.")
        yield ""

    def widest(self):
        spreads = [0.0]
        for case, figures in self.raw["cases"].items():
            for key in figures if case.startswith("load") else ():
                values, middle = self.figures.rounds(case, key, "per_second"), self.figures.median(case, key, "per_second")
                spreads.append((max(values) - min(values)) / middle if middle else 0.0)
        return max(spreads)

    def starts(self):
        yield "## Start and memory"
        yield ""
        peak = lambda key: self.figures.cell("memory", key, "memory_bytes", MIB)
        rows = self.rows("start", ("first_ms",), ("again_ms",), ("memory_bytes", MIB), peak)
        head = ["", "first start until the first response, ms", "next start, ms", "memory at rest, MiB", "maximum under load, MiB"]
        yield from table(head, rows)

    def loads(self):
        yield "## Load"
        yield ""
        yield f"![requests a second at 64 connections](load.svg)\n\n`/keys` is `?limit=100` of {self.keys:,} keys; `/products/search` is a cached read.\n"
        head = ["request", "connections", "", "requests/s", "p50, ms", "p99, ms", "CPU a request, us", "of Redis, us", "failed"]
        rows = []
        for case, figures in self.raw["cases"].items():
            if case.startswith(("load ", "near ")):
                *_, route, connections = case.split()
                route = "/products/search" if route == "near" else route
                for key in figures:
                    cells = [self.figures.cell(case, key, name) for name in ("per_second", "p50_ms", "p99_ms", "cpu_us", "redis_cpu_us")]
                    rows.append([f"`{route}`", connections, self.labels[key], *cells, sum(self.figures.rounds(case, key, "failed"))])
        yield from table(head, rows)

    def removals(self):
        observed = (("ms",), ("longest_command_ms",), ("other_client_max_ms",), ("other_client_p99_ms",))
        head = ["", "ms", "longest command in Redis, ms", "slowest GET of another client, ms", "p99 of its GETs, ms"]
        yield f"## Clearing {self.keys // self.settings['share']:,} of {self.keys:,} keys by a pattern"
        yield ""
        yield from table(head, self.rows(f"clear {self.keys}", *observed))
        yield "## Invalidating by a pattern, until it is in force"
        yield ""
        yield "Of the keys a tenth is removed, among them a cached search that four clients ask for without pause:"
        yield ""
        rows = [[f"{size:,}", self.labels[key], *(self.figures.cell(f"in force {size}", key, name) for name in ("in_force_ms", "removed_ms"))]
                for size in self.settings["sizes"] for key in self.raw["cases"].get(f"in force {size}", {})]
        yield from table(["keys", "", "until no reader is served the old value, ms", "until all keys are removed, ms"], rows)
        if self.raw["cases"].get("events"):
            yield f"100 events at once, each with a pattern of ten keys, among {self.settings['event_keys']:,} keys:"
            yield ""
            yield from table(["", "walks", "until all keys are removed, ms"], self.rows("events", ("walks",), ("removed_ms",)))
        yield f"## Invalidating a tag with {self.settings['tag_keys']:,} keys"
        yield ""
        yield from table(head, self.rows("tag", *observed))

    def cached(self):
        yield "## Reading through the cache"
        yield ""
        apart = self.raw.get("shop")
        apart = f" (measured separately on {apart['date']}, {apart['runs']} rounds)" if apart else ""
        brake, number = "for a word among 5,200 products, a fast query", "for a part's number among 104,000 products, a slow query"
        for case, search in (("read", brake), ("read shop", number + apart)):
            yield f"`/products/search` {search}:"
            yield ""
            yield from table(["", "nothing cached: query and store, ms", "cached, ms", "saved"], self.reads(case))
        yield f"{self.settings['callers']:,} callers request a cold key at once:"
        yield ""
        head = ["", "loads", "until the last response, ms", "failed", "memory afterwards, MiB"]
        yield from table(head, self.rows("stampede", ("loads",), ("last_ms",), ("failed",), ("memory_bytes", MIB)))
        if self.raw["cases"].get("warmup"):
            yield "`POST /warmup` of 10,000 keys, one for each row of SQLite:"
            yield ""
            yield from table(["", "ms", "keys an entry"], self.rows("warmup", ("ms",), ("keys_per_entry",)))

    def reads(self, case):
        saved = lambda key: f"{1 - self.figures.median(case, key, 'cached_ms') / self.figures.median(case, key, 'cold_ms'):.1%}"
        return self.rows(case, ("cold_ms",), ("cached_ms",), saved)

    def entries(self):
        """Redis' work for a read, and memory for an entry."""
        if self.raw["cases"].get("hit"):
            yield "## A cached read in Redis"
            yield ""
            yield "A cached `/products/search` over one connection, and a bare `GET` of the same bytes at the same rate. Of Redis, for one read:"
            yield ""
            head = ["", "CPU, us", "of a GET, us", "ratio", "execution, us", "of a GET, us", "ratio"]
            columns = ("cpu_us", "bare_cpu_us", "cpu_ratio", "executed_us", "bare_executed_us", "executed_ratio")
            yield from table(head, self.rows("hit", *((name,) for name in columns)))
        if self.raw["cases"].get("entry"):
            yield "## Memory of an entry of 200 bytes"
            yield ""
            against = lambda key: f"{self.figures.ratio('entry', key, 'plain', 'bytes'):.2f}"
            rows = [[self.labels[f"memory {key}"], self.figures.cell("entry", key, "bytes"), against(key)]
                    for key in self.raw["cases"]["entry"]]
            yield from table(["", "bytes", "ratio"], rows)

    def growth(self):
        sizes = self.settings["sizes"]
        yield "## Growth"
        yield ""
        yield "![time by number of keys](growth.svg)"
        yield ""
        head = ["ms, by keys", *(f"{size:,}" for size in sizes)]
        rows = [[f"`POST /clear` of a tenth, {self.labels[key]}", *(self.figures.cell(f"clear {size}", key, "ms") for size in sizes)]
                for key in self.raw["cases"][f"clear {sizes[-1]}"]]
        for route in ("/keys", "/stats"):
            rows += [[f"`GET {route}`, {self.labels[key]}", *(self.figures.cell(f"latency {route} {size}", key, "ms") for size in sizes)]
                     for key in self.contestants]
        yield from table(head, rows)

    def commands(self):
        yield "## Commands that Redis executes for a request, including those of scripts"
        yield ""
        rows = []
        for route, executed in self.raw["commands"].items():
            for key, calls in executed.items():
                rows.append([f"`GET {route}`", self.labels[key], ", ".join(f"{name} {count}" for name, count in calls.items())])
        yield from table(["request", "", "commands"], rows)

    def components(self):
        yield "## Size of the components"
        yield ""
        yield from table(["component", "bytes"], self.raw["machine"]["components"].items())
