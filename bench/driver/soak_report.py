"""The report of the soak test in Markdown."""

import judge

PARTS = 9
HOLDS = "../../docs/RELIABILITY.md#under-sustained-load"


def text(seen, trail, described, minutes):
    parts = [_head(described, minutes), _totals(seen, trail, minutes), _over_time(seen, minutes), _kinds(seen)]
    return "\n\n".join(parts) + "\n"


def _head(described, minutes):
    changed = " with changes" if described["changed"] else ""
    load = " and ".join(str(load) for load in described["load_average"])
    return "\n".join([
        f"# {minutes:g} minutes of load",
        "",
        f"Measured by `scripts/test --soak --minutes {minutes:g}` on {described['date']}, commit "
        f"{described['commit']}{changed}. This report is written only if all requirements in [RELIABILITY.md]({HOLDS}) hold.",
        "",
        f"{described['processor']}, {described['cores']} cores, {described['memory_gib']} GiB, {described['kernel']}; "
        f"{described['versions']['local']}{described['host']}, Redis {described['redis']}; load average before and after: {load}. "
        "Clients, writers, Redis and the application share the machine.",
    ])


def _totals(seen, trail, minutes):
    total = sum(seen.statuses.values())
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(seen.statuses.items(), key=str))
    windows = "; ".join(f"{began - seen.started:.0f} to {over - seen.started:.0f} s" for began, over in seen.windows)
    outside = sum(seen.outside(began, ended) for began, ended, _ in seen.failed)
    changes = sum(seen.outside(began, ended) for began, ended, _ in seen.changes)
    denied = ", ".join(f"{count} of {who}" for who, count in sorted(trail.denied.items()))
    return "\n".join([
        "| | |", "| --- | --- |",
        f"| requests | {total:,} |",
        f"| responses | {statuses} |",
        f"| windows of the restarts | {windows} |",
        f"| 503 because of Redis | {len(seen.failed):,}, of which {outside} outside the windows |",
        f"| undocumented responses | {sum(seen.wrong.values())} |",
        f"| changes outside the windows | {changes:,}, of which {len(_missing(seen, trail))} are not in the audit trail as they were made |",
        f"| memory gained by the host after the warm-up, while Redis was available | {judge.gained(seen, minutes * 60) / 2**20:.1f} MiB |",
        f"| denied attempts in the audit trail | {denied} |",
    ])


def _missing(seen, trail):
    return trail.missing([change for began, ended, change in seen.changes if seen.outside(began, ended)])


def _over_time(seen, minutes):
    """By ninths: the first three are the warm-up; Redis is restarted at the start of the fifth and the seventh."""
    rows = ["| seconds | requests a second | memory of the host, MiB | connections to Redis |", "| --- | --- | --- | --- |"]
    part = minutes * 60 / PARTS
    begun = sorted(begun - seen.started for calls in seen.calls.values() for begun in calls.started)
    for at in range(PARTS):
        began, over = at * part, (at + 1) * part
        count = sum(began <= each < over for each in begun)
        memory, clients = (judge.median(seen.samples, began, over, column) for column in (1, 2))
        rows.append(f"| {began:.0f} to {over:.0f} | {count / part:,.0f} | {memory / (1 << 20):.1f} | {clients:.0f} |")
    return "\n".join(["## Over time", "", "Medians of one sample a second.", "", *rows])


def _kinds(seen):
    rows = ["| request | count | p50, ms | p99, ms | maximum, ms | maximum in the windows, ms |", "| --- | --- | --- | --- | --- | --- |"]
    for kind in sorted(seen.calls):
        taken, away = seen.seconds(kind, True), seen.seconds(kind, False)
        p50, p99, most = (f"{_at(taken, share) * 1000:.1f}" for share in (0.5, 0.99, 1))
        rows.append(f"| `{kind}` | {len(taken) + len(away):,} | {p50} | {p99} | {most} | {_at(away, 1) * 1000:.0f} |")
    return "\n".join(["## By request", "", "Measured by the client, outside the windows except for the last column.", "", *rows])


def _at(ordered, share):
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0
