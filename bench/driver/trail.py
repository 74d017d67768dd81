"""The audit trail, read while it is written: Redis keeps about 100,000 records, and none when it is restarted."""

import collections
import json
import threading

AUDIT_DATABASE = 1
PAGE = 1000
# Denied attempts of a token that the trail has a minute.
DENIED_A_MINUTE = 20


class Trail:
    """What the trail said of each request, by the request's id."""

    def __init__(self):
        self.said, self.denied, self.count = collections.defaultdict(list), collections.Counter(), 0
        self._last, self._lock = b"0-0", threading.Lock()

    def read(self, redis):
        """Reads on, from where it was. The connection is in the audit database afterwards."""
        with self._lock:
            redis("SELECT", AUDIT_DATABASE)
            entries = [None] * PAGE
            while len(entries) == PAGE:
                entries = redis("XRANGE", "cache:audit", b"(" + self._last, "+", "COUNT", PAGE)
                for self._last, (_, record) in entries:
                    self._take(json.loads(record))

    def _take(self, record):
        self.count += 1
        if record["action"] == "denied":
            self.denied[record["who"]] += 1
        elif record["outcome"] != "running":
            self.said[record["requestId"]].append((record["who"], record["action"], record["outcome"]))

    def missing(self, changes):
        """Of changes (id, who, action, outcome) those of which the trail does not say just that, once."""
        told = ((change, self.said.get(change[0], [])) for change in changes)
        return [f"{', '.join(change)}: the trail has {said or 'nothing'}" for change, said in told if said != [change[1:]]]
