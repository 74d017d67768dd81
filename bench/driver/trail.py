"""Reads the audit trail while it is written, because Redis keeps only the last 64 MiB, and nothing after a restart.

Beyond its quota a token's changes are summed up: the trail then has their number, not each single change.
"""

import collections
import json
import threading

AUDIT_DATABASE = 1
STREAMS = ("cache:audit", "cache:audit:denied", "cache:audit:automatic")
SUMS = "cache:audit:sums"
PAGE = 1000
# The number of denied attempts of a token that the trail records in a minute.
DENIED_A_MINUTE = 20


class Trail:
    """The records of each request, by the request's id. On a Cluster the trail is in the cache's database, under other names."""

    def __init__(self, on_cluster=False):
        self.on_cluster = on_cluster
        self.records, self.denied, self.count = collections.defaultdict(list), collections.Counter(), 0
        # The number of summed up changes, recorded and not yet recorded, by who and action.
        self.summed, self._open = collections.Counter(), collections.Counter()
        self._last, self._lock = dict.fromkeys(STREAMS, b"0-0"), threading.Lock()

    def read(self, redis):
        """Reads the new records. The connection to a single server then uses the audit database."""
        with self._lock:
            if not self.on_cluster:
                redis("SELECT", AUDIT_DATABASE)
            for stream in STREAMS:
                entries = [None] * PAGE
                while len(entries) == PAGE:
                    entries = redis("XRANGE", self._name(stream), b"(" + self._last[stream], "+", "COUNT", PAGE)
                    for self._last[stream], (_, record) in entries:
                        self._take(json.loads(record))
            sums = redis("HGETALL", self._name(SUMS))
            self._open.clear()
            for name, value in zip(sums[::2], sums[1::2]):
                _, who, action = name.decode().split("|")
                self._open[who, action] = int(value.split()[1])

    def _name(self, key):
        return key.replace("cache:", "cache:{cache}:", 1) if self.on_cluster else key

    def _take(self, record):
        self.count += 1
        if record["action"] == "denied":
            self.denied[record["who"]] += record["outcome"] != "summed"
        elif record["outcome"] == "summed":
            self.summed[record["who"], record["action"]] += record["alike"]["count"]
        elif record["outcome"] != "running":
            self.records[record["requestId"]].append((record["who"], record["action"], record["outcome"]))

    def missing(self, changes):
        """The changes (id, who, action, outcome) that are not in the trail exactly once, on their own or in a summary record."""
        wrong, left = [], self.summed + self._open
        for change in changes:
            found, kind = self.records.get(change[0], []), (change[1], change[2])
            if not found and left[kind] > 0:
                left[kind] -= 1
            elif found != [change[1:]]:
                wrong.append(f"{', '.join(change)}: the trail has {found or 'nothing'}")
        return wrong
