"""The requirements of the soak test. Each check returns a list of problems."""

import collections
import math
import statistics
import time

import trail as trails

# The contract's time limit for a response that reports Redis as unavailable, and for reads of the administration at any time.
LONGEST_SECONDS = 2
# A read through the cache waits for another caller's load, at most as long as its lease, and then loads. Changes are small here and
# take no longer.
LONGEST_WORK_SECONDS = 10 + LONGEST_SECONDS
LOCKS_LEFT_SECONDS = 20
# Connections that may be open after idle instances have ended: those of this test, and a few that the host keeps.
CLIENTS_AT_REST = 8
# The memory that the host may gain after the warm-up, while Redis is available. In ten minutes, 20 bytes a request would exceed it.
MEMORY_GROWTH_BYTES = 8 << 20
# The additional memory and connections after each restart: all connections reconnect at once, with more instances, which then stay.
RESTART_MEMORY_BYTES, RESTART_CLIENTS = 16 << 20, 16
# The part of a stretch that counts as its beginning or its end.
END = 0.2


def median(samples, began, over, at):
    """The median of a column over the samples of these seconds of the run."""
    values = [sample[at] for sample in samples if began <= sample[0] < over and sample[at] is not None]
    return statistics.median(values) if values else 0


def stretches(seen, seconds):
    """The stretches of the run, in seconds, in which Redis was available, after the warm-up (the first third)."""
    edges = [seconds / 3, *(edge - seen.started for window in seen.windows for edge in window), seconds]
    return list(zip(edges[::2], edges[1::2]))


def ends(seen, stretch, at):
    """The medians at the beginning and at the end of a stretch."""
    (began, over), part = stretch, (stretch[1] - stretch[0]) * END
    return median(seen.samples, began, began + part, at), median(seen.samples, over - part, over, at)


def gained(seen, seconds):
    """The memory that the host gained while Redis was available, in bytes, over all stretches."""
    return sum(after - before for before, after in (ends(seen, stretch, 1) for stretch in stretches(seen, seconds)))


def growth(seen, seconds):
    found, restarts = stretches(seen, seconds), len(seen.windows)
    whole = found[0][0], found[-1][1]
    memory, clients, gain = ends(seen, whole, 1), ends(seen, whole, 2), gained(seen, seconds)
    if not all(memory + clients):
        return ["memory or connections were not measured"]
    problems = []
    if gain > MEMORY_GROWTH_BYTES:
        problems.append(f"the host gained {gain / 2**20:.1f} MiB of memory while Redis was available")
    if memory[1] - memory[0] > MEMORY_GROWTH_BYTES + restarts * RESTART_MEMORY_BYTES:
        problems.append(f"memory of the host: {memory[0] / 2**20:.1f} MiB after the warm-up, {memory[1] / 2**20:.1f} at the end")
    if clients[1] - clients[0] > restarts * RESTART_CLIENTS:
        problems.append(f"connections to Redis: {clients[0]:.0f} after the warm-up, {clients[1]:.0f} at the end")
    return problems


def answers(seen):
    """Undocumented responses at any time, failures of Redis outside the windows, and kinds of requests that did not recover."""
    problems = [f"{count} times: {what}" for what, count in seen.wrong.most_common(20)]
    failed = collections.Counter(what for began, ended, what in seen.failed if seen.outside(began, ended))
    problems += [f"{count} times while Redis was available: {what}" for what, count in failed.most_common(20)]
    recovered = max((over for _, over in seen.windows), default=0)
    silent = sorted(kind for kind in seen.calls if seen.right.get(kind, 0) < recovered)
    return problems + [f"no correct response since the last restart: {kind}" for kind in silent]


def times(seen):
    problems = []
    late = [ended - began for began, ended, _ in seen.failed if ended - began > LONGEST_SECONDS]
    if late:
        problems.append(f"{len(late)} responses reporting Redis as unavailable took more than {LONGEST_SECONDS} s, the longest {max(late):.1f} s")
    for kind, calls in sorted(seen.calls.items()):
        bound = LONGEST_SECONDS if kind.startswith("GET /api/cache/") else LONGEST_WORK_SECONDS
        late = [taken for taken in calls.seconds if taken > bound]
        if late:
            problems.append(f"{kind}: {len(late)} responses took more than {bound} s, the longest {max(late):.1f} s")
    return problems


def recorded(seen, trail, minutes):
    """Each change is in the trail once; some denied attempts are there, but at most as many as the quota allows."""
    changes = [change for began, ended, change in seen.changes if seen.outside(began, ended)]
    missing = trail.missing(changes)
    problems = [f"{len(missing)} of {len(changes)} changes are not in the audit trail as they were made"] if missing else []
    problems += missing[:10]
    # A restart resets the count of the minute.
    most = trails.DENIED_A_MINUTE * (math.ceil(minutes) + 1 + len(seen.windows))
    for who in ("viewer", "operator"):
        if not 0 < trail.denied[who] <= most:
            problems.append(f"denied attempts of {who} in the audit trail: {trail.denied[who]}, not 1 to {most}")
    return problems


def locks(server):
    """Locks that still exist after every lease has ended."""
    deadline = time.monotonic() + LOCKS_LEFT_SECONDS
    while (left := _locks(server)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return [f"a lock is left: {lock.decode(errors='replace')}" for lock in left]


def _locks(server):
    cursor, found = b"0", []
    while True:
        cursor, page = server.redis("SCAN", cursor, "MATCH", "lock:*", "COUNT", 1000)
        found += page
        if cursor == b"0":
            return found


def rest(app, server):
    """After the load: idle connections are closed, and the application is healthy."""
    if app.process.poll() is not None:
        return ["the host ended unexpectedly"]
    time.sleep(3)
    clients = len(server.redis("CLIENT", "LIST").splitlines())
    problems = [f"connections to Redis at rest: {clients}"] if clients > CLIENTS_AT_REST else []
    healthy = app.client("admin")("GET", "/api/cache/health").status == 200
    return problems if healthy else [*problems, "the application is not healthy afterwards"]
