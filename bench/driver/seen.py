"""The observations of all threads of the soak test."""

import collections
import threading
from array import array
from dataclasses import dataclass, field


@dataclass
class Calls:
    """The start and duration of the requests of one kind."""

    started: array = field(default_factory=lambda: array("d"))
    seconds: array = field(default_factory=lambda: array("f"))


@dataclass
class Seen:
    """Times are of the monotonic clock. A window is [began, over]: Redis is unavailable, or was until a moment ago."""

    calls: dict = field(default_factory=lambda: collections.defaultdict(Calls))
    statuses: collections.Counter = field(default_factory=collections.Counter)
    # When the load began.
    started: float = 0
    # When each kind of request last had a correct response.
    right: dict = field(default_factory=dict)
    # Responses that are wrong at any time.
    wrong: collections.Counter = field(default_factory=collections.Counter)
    # Responses that are correct only in a window: (started, ended, text).
    failed: list = field(default_factory=list)
    # (started, ended, (request's id, who, action, outcome)).
    changes: list = field(default_factory=list)
    # (second of the run, memory in bytes, connections to Redis or None).
    samples: list = field(default_factory=list)
    windows: list = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, started, ended, request, status, judged):
        kind = request.kind()
        with self.lock:
            self.statuses[status] += 1
            self.calls[kind].started.append(started)
            self.calls[kind].seconds.append(ended - started)
            if judged == "right":
                self.right[kind] = started
            elif judged == "failed":
                self.failed.append((started, ended, f"{kind}: {status}"))
            else:
                self.wrong[f"{kind}: {judged}"] += 1

    def changed(self, started, ended, change):
        with self.lock:
            self.changes.append((started, ended, change))

    def outside(self, started, ended):
        return all(ended < began or started > over for began, over in self.windows)

    def seconds(self, kind, outside):
        """The sorted durations of the requests of this kind, outside the windows or within them."""
        calls = self.calls[kind]
        both = zip(calls.started, calls.seconds)
        return sorted(taken for started, taken in both if self.outside(started, started + taken) == outside)
