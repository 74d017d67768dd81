"""The soak test on a Redis Cluster, of scripts/test --soak --cluster: mixed traffic over 64 connections, while one primary is
killed, 4,096 slots are moved to another node and back, and one node is frozen for 10 s.

It exits with 1 and prints the problems if a requirement does not hold: those of judge.py for responses, times, the audit trail and
locks; each walk over the key list returns every key that existed throughout; and no read returns an entry after the response to its
invalidation. A run of ten minutes or more that passes writes bench/results/soak-cluster.md.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time

import contestants
import judge
import machine
import mix
import processes
from cluster import Cluster, Nodes
from resp import ReplyError
from seen import Seen
from soak import CONNECTIONS, REPORT_FROM_MINUTES, WRITERS, Application, built, caller, failures
from trail import Trail

# After a failure: connections back off, and the circuit breaker is open.
RECOVERY_SECONDS = 8
FROZEN_SECONDS = 10
MOVED_SLOTS = 4096
STABLE_KEYS = 3000
# Products that only the checkers change: the rest of the traffic changes the first 300.
CHECKED_PRODUCTS = (4001, 4002, 4003, 4004)
MIN_WALKS = 3
LOCKS_LEFT_SECONDS = 20
# A moving slot and a lost node may cause these, too.
mix.FAILURES.add("urn:edge-cache:problem:redis-cluster")


class ApplicationOnCluster(Application):
    def environment(self):
        return {**super().environment(), "SPIN_VARIABLE_REDIS_NODES": "redis://127.0.0.1:*"}


class Checks:
    """What the checkers and the walker have done."""

    def __init__(self):
        self.invalidations, self.walks, self.lock = 0, 0, threading.Lock()


def writer(cluster, seen, number):
    """The writes of another service: keys, tags, expiry. Retries while a node is unavailable."""
    dice, nodes = random.Random(1000 + number), None
    while not seen.stopping.is_set():
        try:
            nodes = nodes or Nodes(cluster.port)
            slot = dice.randrange(200)
            key = f"soak:{slot}:{dice.randrange(50)}"
            nodes("SET", key, "x" * dice.randrange(10, 2000), "PX", dice.randrange(1000, 60_000))
            nodes("SADD", f"cache:tags:soak-{slot % 20}", key)
        except (OSError, ReplyError):
            nodes = None
            time.sleep(0.1)
        time.sleep(0.001)


def checker(app, seen, checks, product):
    """Changes the price of a product, which invalidates its entries, and reads it over other connections at once."""
    path, price = f"/api/products/{product}", 1000
    change, readers = app.client("operator"), [app.client("viewer") for _ in range(3)]
    while not seen.stopping.is_set():
        price += 1
        if change("POST", path, b'{"priceCents":%d}' % price).status != 200:
            time.sleep(0.1)
            continue
        for reader in readers:
            answer = reader("GET", path)
            found = json.loads(answer.body)["priceCents"] if answer.status == 200 else price
            if found != price:
                with seen.lock:
                    seen.wrong["an entry was served after its invalidation was answered"] += 1
        with checks.lock:
            checks.invalidations += 1


def walker(app, seen, checks):
    """Walks over the key list, and looks for the keys that exist throughout."""
    client, expected = app.client("viewer"), {f"stable:{n}" for n in range(STABLE_KEYS)}
    while not seen.stopping.is_set():
        found, cursor = set(), "0"
        while cursor is not None and not seen.stopping.is_set():
            answer = client("GET", f"/api/cache/keys?pattern=stable:*&cursor={cursor}")
            if answer.status != 200:
                time.sleep(0.1)
                continue
            data = json.loads(answer.body)["data"]
            found.update(row["key"] for row in data["keys"])
            cursor = data["pagination"]["nextCursor"]
        if cursor is None:
            missing = expected - found
            with seen.lock:
                checks.walks += 1
                if missing:
                    seen.wrong[f"a walk lost {len(missing)} keys that existed throughout"] += 1


def watched(work, app, seen, *others):
    """Runs a checker or the walker. The host is never restarted, so their connections must never break."""
    try:
        work(app, seen, *others)
    except OSError as error:
        with seen.lock:
            seen.wrong[f"no answer to the {work.__name__}: {error!r}"] += 1


def sampler(cluster, seen, trail):
    """Reads the audit trail once a second."""
    while not seen.stopping.wait(1):
        try:
            nodes = Nodes(cluster.port)
            trail.read(nodes)
            nodes.close()
        except (OSError, ReplyError):
            pass


def during(seen, what, work):
    """Runs a failure; its window ends some seconds after the Cluster has recovered."""
    began = time.monotonic()
    seen.windows.append([began, float("inf")])
    work()
    seen.windows[-1][1] = time.monotonic() + RECOVERY_SECONDS
    print(f"soak: {what} in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def fail_over(cluster, seen):
    _, killed, _ = cluster.primaries()

    def work():
        cluster.kill(killed)
        cluster.wait_until_ok()

    during(seen, "a primary was killed and replaced", work)


def move_slots(cluster, seen):
    own, source, target = cluster.primaries()
    nodes = cluster.nodes()
    slots = [slot for slot, owner in sorted(nodes.owners.items()) if owner == source][:MOVED_SLOTS]
    nodes.close()

    def work():
        cluster.move(slots, source, target)
        cluster.move(slots, target, source)

    during(seen, f"{len(slots)} slots were moved and moved back", work)


def freeze(cluster, seen):
    _, frozen, _ = cluster.primaries()
    during(seen, "a node was frozen", lambda: cluster.freeze(frozen, FROZEN_SECONDS))


def load(app, cluster, seen, trail, checks, seconds):
    started = seen.started = time.monotonic()
    work = [threading.Thread(target=caller, args=(app, seen, number)) for number in range(CONNECTIONS)]
    work += [threading.Thread(target=writer, args=(cluster, seen, number)) for number in range(WRITERS)]
    work += [threading.Thread(target=watched, args=(checker, app, seen, checks, product)) for product in CHECKED_PRODUCTS]
    work += [threading.Thread(target=watched, args=(walker, app, seen, checks)), threading.Thread(target=sampler, args=(cluster, seen, trail))]
    try:
        for thread in work:
            thread.start()
        for part, failure in ((1, fail_over), (3, move_slots), (5, freeze)):
            time.sleep(max(0, started + seconds * part / 7 - time.monotonic()))
            failure(cluster, seen)
        time.sleep(max(0, started + seconds - time.monotonic(), seen.windows[-1][1] + 5 - time.monotonic()))
    finally:
        seen.stopping.set()
        for thread in work:
            if thread.ident:
                thread.join()
    trail.read(cluster.nodes())


def locks(cluster):
    """Locks that still exist after every lease has ended."""
    deadline = time.monotonic() + LOCKS_LEFT_SECONDS
    while (left := cluster.names("lock:*")) and time.monotonic() < deadline:
        time.sleep(0.5)
    return [f"a lock is left: {lock.decode(errors='replace')}" for lock in left]


def rest(app, checks):
    if app.process.poll() is not None:
        return ["the host ended unexpectedly"]
    problems = [] if checks.walks >= MIN_WALKS else [f"only {checks.walks} walks over the key list ended"]
    problems += [] if checks.invalidations else ["no invalidation was checked"]
    healthy = app.client("admin")("GET", "/api/cache/health").status == 200
    return problems if healthy else [*problems, "the application is not healthy afterwards"]


def report(seen, trail, checks, described, minutes):
    total = sum(seen.statuses.values())
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(seen.statuses.items(), key=str))
    windows = "; ".join(f"{began - seen.started:.0f} to {over - seen.started:.0f} s" for began, over in seen.windows)
    changes = [change for began, ended, change in seen.changes if seen.outside(began, ended)]
    outside = sum(seen.outside(began, ended) for began, ended, _ in seen.failed)
    return "\n".join([
        f"# {minutes:g} minutes of load on a Redis Cluster",
        "",
        f"Measured by `scripts/test --soak --cluster --minutes {minutes:g}` on {described['date']}, commit {described['commit']}"
        f"{' with changes' if described['changed'] else ''}: three primaries with a replica each. One primary was killed, {MOVED_SLOTS:,} "
        f"slots were moved to another node and back, and one node was frozen for {FROZEN_SECONDS} s. This report is written only if all "
        "requirements in [RELIABILITY.md](../../docs/RELIABILITY.md#on-a-cluster) hold.",
        "",
        f"{described['processor']}, {described['cores']} cores, {described['memory_gib']} GiB, {described['kernel']}; "
        f"{described['versions']['local']}{described['host']}, Redis {described['redis']}. All of them share the machine.",
        "",
        "| | |",
        "| --- | --- |",
        f"| requests | {total:,} |",
        f"| responses | {statuses} |",
        f"| windows of the failures | {windows} |",
        f"| 503 because of Redis | {len(seen.failed):,}, of which {outside} outside the windows |",
        f"| undocumented responses, lost keys, old entries | {sum(seen.wrong.values())} |",
        f"| changes outside the windows | {len(changes):,}, of which {len(trail.missing(changes))} are not in the audit trail as they were made |",
        f"| walks over the key list, each with {STABLE_KEYS:,} keys that existed throughout | {checks.walks:,} |",
        f"| invalidations that were checked by reads | {checks.invalidations:,} |",
        "",
    ])


def main():
    parser = argparse.ArgumentParser(prog="scripts/test --soak --cluster")
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    processes.end_in_order()
    seen, trail, checks = Seen(), Trail(on_cluster=True), Checks()
    with tempfile.TemporaryDirectory() as work, Cluster(work) as cluster:
        nodes = cluster.nodes()
        for n in range(STABLE_KEYS):
            nodes("SET", f"stable:{n}", n)
        app = ApplicationOnCluster(work, cluster)
        described = machine.describe([app]) | {"host": built()}
        try:
            app.start()
            app.settle()
            load(app, cluster, seen, trail, checks, minutes * 60)
            problems = judge.answers(seen) + judge.times(seen) + judge.recorded(seen, trail, minutes)
            problems += locks(cluster) + rest(app, checks)
            logged = failures(app) if problems else []
        finally:
            app.stop()
    text = report(seen, trail, checks, described, minutes)
    print(text)
    if minutes >= REPORT_FROM_MINUTES and not problems:
        (contestants.ROOT / "bench/results/soak-cluster.md").write_text(text)
    for line in logged + [f"WRONG: {problem}" for problem in problems]:
        print(f"soak: {line}")
    print("soak: failed" if problems else "soak: passed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
