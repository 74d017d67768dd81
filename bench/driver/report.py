"""The raw figures as a page of tables with a reading."""

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
        """A row per contestant of a case; a column is (name, scale) or a function of the contestant's key."""
        for key in self.raw["cases"].get(case, {}):
            cells = [column(key) if callable(column) else self.figures.cell(case, key, *column) for column in columns]
            yield [self.labels[key], *cells]

    def text(self):
        parts = [self.head(), self.reading(), self.goals(), self.starts(), self.loads(), self.removals(), self.cached()]
        parts += [self.growth(), self.commands(), self.components()]
        return "\n".join(line for part in parts for line in part)

    def head(self):
        machine, settings = self.raw["machine"], self.settings
        quick = " **A quick run with smaller sizes: good for trying, not for quoting.**" if settings["quick"] else ""
        before, after = self.raw["load_average"]
        yield "# Figures"
        yield ""
        yield (f"Measured by `scripts/bench` on {machine['date']}, commit {machine['commit']}"
               f"{' with changes' if machine['changed'] else ''}: {machine['processor']}, {machine['cores']} cores, "
               f"{machine['memory_gib']} GiB, {machine['kernel']}, Redis {machine['redis']} on the same machine, as are the clients. "
               f"Load average {before} before, {after} after.{quick}")
        yield ""
        yield (f"Medians of {settings['runs']} rounds, with the least and the most in parentheses. In a round every contestant has "
               f"its turn, and the order turns. Warm-up is left out; a load lasts {settings['seconds']} s. "
               "What the tables mean, and what is promised: [docs/PERFORMANCE.md](../../docs/PERFORMANCE.md). "
               "All rounds: [figures.json](figures.json).")
        yield ""
        yield from table(["contestant", "versions"], [[self.labels[key], told] for key, told in machine["versions"].items()])

    def ours(self):
        return [key for key in self.contestants if key in ("local", "spin")]

    def goals(self):
        yield "## Goals"
        yield ""
        for key in self.ours():
            words = {True: "met", False: "**missed**", None: ""}
            judged = goals.judge(self.figures, key, self.keys)
            yield from table([f"goal, {self.labels[key]}", "", "seen"], [[goal, words[met], seen] for goal, met, seen in judged])

    def reading(self):
        judged = goals.judge(self.figures, "local", self.keys)
        measured = [met for _, met, _ in judged if met is not None]
        missed = [goal for goal, met, _ in judged if met is False]
        yield "## Reading"
        yield ""
        if self.raw["load_average"][0] > cores_of(self.raw) / 2:
            yield (f"**The machine was busy in the minute before the run** (load average {self.raw['load_average'][0]}): what was "
                   "measured first, the starts, may be too slow; if that went on, rates are too low and spreads too wide.")
        verdict = "Missed: " + "; ".join(missed) + "." if missed else "None is missed."
        yield f"On local-host {measured.count(True)} of {len(measured)} goals are met in this run. {verdict}"
        rate = {key: self.figures.median("load /stats 64", key, "per_second") for key in self.contestants}
        told = ", ".join(f"{self.labels[key]} {plain(value)}" for key, value in rate.items() if value)
        yield f"`/stats` at 64 connections, requests a second: {told}."
        costs = [self.figures.median(f"load {route} 64", key, "cpu_us") for key in ("local", "fastify") for route in ("/health/live", "/health")]
        if None not in costs:
            yield ("Processor time of `/health/live`, which asks Redis nothing, and of `/health`: {:.0f} and {:.0f} us on local-host, "
                   "{:.0f} and {:.0f} us of the Node peer.".format(*costs))
        axum = self.figures.ratio("load /stats 64", "local", "axum", "cpu_us")
        if axum:
            yield (f"A request to it costs local-host {axum:.1f} times the processor time of the native program: the price of "
                   "a sandbox for each component, a second runtime, and a log line with a request id.")
        spread = self.widest()
        yield (f"The widest spread of a rate is {spread:.0%} of its median; differences below that say nothing. "
               "The Node peer is one process, as in a container; it cannot use a second core, the others can: "
               "compare CPU a request where cores are scarce.")
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
        head = ["", "first start until the first answer, ms", "next start, ms", "memory at rest, MiB", "most under load, MiB"]
        yield from table(head, rows)

    def loads(self):
        yield "## Load"
        yield ""
        yield f"![requests a second at 64 connections](load.svg)\n\n`/keys` is `?limit=100` of {self.keys:,} keys; `/products/search` is a cached read.\n"
        head = ["request", "connections", "", "requests/s", "p50, ms", "p99, ms", "CPU a request, us", "of Redis, us", "failed"]
        rows = []
        for case, figures in self.raw["cases"].items():
            if case.startswith("load "):
                _, route, connections = case.split()
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
        yield f"## Invalidating a tag with {self.settings['tag_keys']:,} keys"
        yield ""
        yield from table(head, self.rows("tag", *observed))

    def cached(self):
        yield "## Reading through the cache"
        yield ""
        apart = self.raw.get("shop")
        apart = f" (measured by itself on {apart['date']}, {apart['runs']} rounds)" if apart else ""
        brake, number = "for a word among 5,200 products, which takes no query long", "for a part's number among 104,000 products"
        for case, search in (("read", brake), ("read shop", number + apart)):
            yield f"`/products/search` {search}:"
            yield ""
            yield from table(["", "nothing cached: query and storing, ms", "cached, ms", "saved"], self.reads(case))
        yield f"{self.settings['callers']:,} callers at once for a key that nobody has asked for:"
        yield ""
        head = ["", "loads", "until the last answer, ms", "failed", "memory after, MiB"]
        yield from table(head, self.rows("stampede", ("loads",), ("last_ms",), ("failed",), ("memory_bytes", MIB)))
        if self.raw["cases"].get("warmup"):
            yield "`POST /warmup` of 10,000 keys, one a row of SQLite:"
            yield ""
            yield from table(["", "ms"], self.rows("warmup", ("ms",)))

    def reads(self, case):
        saved = lambda key: f"{1 - self.figures.median(case, key, 'cached_ms') / self.figures.median(case, key, 'cold_ms'):.1%}"
        return self.rows(case, ("cold_ms",), ("cached_ms",), saved)

    def growth(self):
        sizes = self.settings["sizes"]
        yield "## Growth"
        yield ""
        yield "![how the time grows with the number of keys](growth.svg)"
        yield ""
        head = ["ms, by keys", *(f"{size:,}" for size in sizes)]
        rows = [[f"`POST /clear` of a tenth, {self.labels[key]}", *(self.figures.cell(f"clear {size}", key, "ms") for size in sizes)]
                for key in self.raw["cases"][f"clear {sizes[-1]}"]]
        for route in ("/keys", "/stats"):
            rows += [[f"`GET {route}`, {self.labels[key]}", *(self.figures.cell(f"latency {route} {size}", key, "ms") for size in sizes)]
                     for key in self.contestants]
        yield from table(head, rows)

    def commands(self):
        yield "## Commands that Redis executes for a request, those within scripts included"
        yield ""
        rows = []
        for route, told in self.raw["commands"].items():
            for key, calls in told.items():
                rows.append([f"`GET {route}`", self.labels[key], ", ".join(f"{name} {count}" for name, count in calls.items())])
        yield from table(["request", "", "commands"], rows)

    def components(self):
        yield "## Size of the components"
        yield ""
        yield from table(["component", "bytes"], self.raw["machine"]["components"].items())
