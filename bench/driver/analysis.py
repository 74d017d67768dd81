"""Analyses of samples against full ones, on five skewed distributions of keys.

It fills a private Redis with each distribution, takes several samples through the application on local-host, and compares each interval
with the result of a full analysis. It writes bench/results/analysis.md, and exits with 1 if a goal is missed: a sample takes less than a
second and looks at about 20,000 keys, and of the 95 % intervals at least 90 % hold.

    python3 bench/driver/analysis.py [--keys N] [--samples N] [--output FILE]
"""

import argparse
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import time

import contestants
import machine
from server import Server

SAMPLE_KEYS = 20_000
MAX_SAMPLE_SECONDS = 1.0
MIN_HELD_PERCENT = 90
FIGURES = ("keys", "bytes", "share")
PIPELINE = 5000
# Figures are rounded: shares to billionths.
ROUNDING = {"keys": 1, "bytes": 1, "share": 2e-9}


def uniform(rng, count):
    """50 modules of the same size, with values of nearly the same size."""
    for number in range(count):
        yield f"module{number % 50:02}:{number}", rng.randint(90, 110), number % 3 == 0


def zipf(rng, count):
    """300 modules of sizes by Zipf's law, three segments, values by a lognormal distribution."""
    weights = list(itertools.accumulate(1 / rank**1.1 for rank in range(1, 301)))
    modules = rng.choices(range(300), cum_weights=weights, k=count)
    for number, module in enumerate(modules):
        part = ("details", "price", "stock")[number % 3]
        yield f"shop{module:03}:{number}:{part}", int(rng.lognormvariate(4.5, 1)), module % 2 == 0


def giant(rng, count):
    """One module with 90 % of the keys, 100 with the rest, values by an exponential distribution."""
    for number in range(count):
        module = "sessions" if rng.random() < 0.9 else f"m{rng.randrange(100):02}"
        yield f"{module}:{rng.getrandbits(64):016x}", int(rng.expovariate(1 / 120)) + 1, module == "sessions"


def heavy_tail(rng, count):
    """80 modules, values by a Pareto distribution (1.7), up to 1 MB."""
    for number in range(count):
        yield f"pages{number % 80:02}:{number}:html", min(int(60 * rng.paretovariate(1.7)), 1_000_000), number % 5 == 0


def rare_large(rng, count):
    """Small modules, and five of which 1 % of the keys have 20 times the size; 2,000 modules of about 50 keys."""
    for number in range(count):
        if rng.random() < 0.1:
            yield f"tiny-{rng.randrange(2000)}-x:{number}", 50, False
        else:
            large = rng.random() < 0.01
            yield f"feed{number % 5}:user:{number}", 4000 if large else 200, large


DISTRIBUTIONS = {"uniform": uniform, "zipf": zipf, "giant": giant, "heavy tail": heavy_tail, "rare large": rare_large}


def fill(redis, keys):
    """Writes the keys; a third value says whether a key has a TTL."""
    redis("FLUSHALL")
    while batch := list(itertools.islice(keys, PIPELINE)):
        commands = [("SET", name, "x" * size, *(("EX", 86_400) if expires else ())) for name, size, expires in batch]
        redis.pipeline(commands)


class Application(contestants.Ours):
    """The product without a plan."""

    configuration = ("edge-cache.toml",)

    def __init__(self, work, port):
        program = os.environ.get("LOCAL_HOST_BIN") or str(contestants.ROOT / "target/host/local-host")
        super().__init__("local", "edge-cache on local-host", work, port, program, contestants.ROOT / "data/catalogue.sql")

    def manifest(self):
        text = (contestants.ROOT / "spin.toml").read_text().replace('source = "target/', f'source = "{contestants.ROOT}/target/')
        (self.work / "spin.toml").write_text(text)
        (self.work / "edge-cache.toml").write_text((contestants.ROOT / "edge-cache.toml").read_text())
        return str(self.work / "spin.toml")


def must(answer, status):
    if answer.status != status:
        raise SystemExit(f"analysis: {answer.status}: {answer.body.decode(errors='replace')[:500]}")
    return json.loads(answer.body)


def take_sample(client):
    body = json.dumps({"sampleKeys": SAMPLE_KEYS}).encode()
    began = time.perf_counter()
    analysis = must(client("POST", "/api/cache/analysis", body), 200)["data"]
    return analysis, time.perf_counter() - began


def analyse_all(client):
    began = time.perf_counter()
    job = must(client("POST", "/api/cache/analysis", b'{"mode":"full"}'), 202)["job"]["id"]
    while True:
        state = must(client("GET", f"/api/cache/jobs/{job}"), 200)["data"]
        if state["state"] == "done":
            break
        if state["state"] not in ("queued", "running"):
            raise SystemExit(f"analysis: the full analysis ended as {state['state']}: {state['error']}")
        time.sleep(0.2)
    return must(client("GET", "/api/cache/analysis"), 200)["data"], time.perf_counter() - began


def held(sample, whole):
    """For each figure: how many intervals hold, of how many."""
    exact = {(group["prefix"], group["depth"]): group for group in whole["groups"] if not group["isInternal"]}
    counts = {figure: [0, 0] for figure in FIGURES}
    for group in sample["groups"]:
        truth = exact.get((group["prefix"], group["depth"]))
        if not truth:
            continue
        for figure in FIGURES:
            value, slack = truth[figure]["value"], ROUNDING[figure]
            holds = group[figure]["low"] - slack <= value <= group[figure]["high"] + slack
            counts[figure][0] += holds
            counts[figure][1] += 1
    return counts


def half_width(sample):
    """The half width of the interval of the share of each module with at least 1 %, in relation to the share; their median."""
    widths = [
        (group["share"]["high"] - group["share"]["low"]) / 2 / group["share"]["value"]
        for group in sample["groups"]
        if group["depth"] == 1 and group["share"]["value"] >= 0.01
    ]
    return statistics.median(widths) if widths else 0


def measure(name, options, client, server):
    fill(server.redis, DISTRIBUTIONS[name](random.Random(name), options.keys))
    samples = [take_sample(client) for _ in range(options.samples)]
    whole, full_seconds = analyse_all(client)
    sums = {figure: [0, 0] for figure in FIGURES}
    for sample, _ in samples:
        for figure, (held_now, all_now) in held(sample, whole).items():
            sums[figure][0] += held_now
            sums[figure][1] += all_now
    return {
        "name": name,
        "about": DISTRIBUTIONS[name].__doc__.rstrip("."),
        "groups": round(statistics.mean(len(sample["groups"]) for sample, _ in samples)),
        "visited": max(sample["keysVisited"] for sample, _ in samples),
        "seconds": sorted(seconds for _, seconds in samples),
        "full_seconds": full_seconds,
        "held": {figure: 100 * one / max(all_, 1) for figure, (one, all_) in sums.items()},
        "intervals": sum(all_ for _, all_ in sums.values()),
        "width": statistics.median(half_width(sample) for sample, _ in samples),
    }


def render(rows, options, facts):
    lines = [
        f"# Analyses of samples of {options.keys:,} keys",
        "",
        f"Measured by `bench/driver/analysis.py` on {facts['date']}: {facts['cores']} cores, Redis {facts['redis']}, local-host, load average"
        f" {machine.load_average()}. Each distribution was sampled {options.samples} times with {SAMPLE_KEYS:,} keys, and compared with a"
        " full analysis. Columns 5 to 7 say how many of the 95 % intervals of all groups hold.",
        "",
        "| distribution | groups | sample, ms | keys looked at | keys, % | bytes, % | share, % | half width of a module's share, % | full, s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        seconds = row["seconds"]
        middle = f"{statistics.median(seconds) * 1000:.0f} ({seconds[0] * 1000:.0f}-{seconds[-1] * 1000:.0f})"
        share = " | ".join(f"{row['held'][figure]:.1f}" for figure in FIGURES)
        lines.append(
            f"| {row['name']} | {row['groups']} | {middle} | {row['visited']:,} | {share} | {100 * row['width']:.1f} | {row['full_seconds']:.0f} |"
        )
    lines += ["", *(f"- *{row['name']}*: {row['about']}." for row in rows), ""]
    return "\n".join(lines)


def missed_goals(rows):
    for row in rows:
        if row["seconds"][-1] >= MAX_SAMPLE_SECONDS:
            yield f"{row['name']}: a sample took {row['seconds'][-1]:.2f} s"
        if row["visited"] > 1.2 * SAMPLE_KEYS:
            yield f"{row['name']}: a sample looked at {row['visited']} keys"
        for figure, percent in row["held"].items():
            if percent < MIN_HELD_PERCENT:
                yield f"{row['name']}: {percent:.1f} % of the intervals of {figure} hold"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--output", default=str(contestants.ROOT / "bench/results/analysis.md"))
    options = parser.parse_args()

    rows = []
    with tempfile.TemporaryDirectory() as work, Server(work) as server:
        application = Application(work, server.port)
        application.start()
        try:
            application.settle()
            client = application.client()
            for name in DISTRIBUTIONS:
                rows.append(measure(name, options, client, server))
                print(rows[-1], file=sys.stderr)
        finally:
            application.stop()
        facts = machine.describe([])

    with open(options.output, "w") as report:
        report.write(render(rows, options, facts))
    missed = list(missed_goals(rows))
    print("\n".join(missed) or "all goals are met")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
