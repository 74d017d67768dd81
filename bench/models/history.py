"""The checker: what was promised, what was served, and a trace of both.

A promise says: whoever looks a key up from now on is served no value that was born before. A value is born when its load read the
source, when a `set` stored it, or when another client wrote it. Promises are kept apart by who reads what:

  entries, near      library instances without and with a near cache, served an entry
  values, near values   the same, served a foreign value
  fresh, fresh near  the same, served an entry as a fresh one: what a soft purge promises
  bare               another client's GET
  former             an instance of the version before
"""

CLASSES = ("entries", "values", "near", "near values", "fresh", "fresh near", "bare", "former")


class History:
    """What happened in one run."""

    def __init__(self, engine, keys, is_traced=False):
        self.engine = engine
        self.floors = {name: [0.0] * keys for name in CLASSES}
        self.foreign_writes = [[] for _ in range(keys)]
        self.served = {}
        self.faults = []
        self.lines = [] if is_traced else None

    def note(self, keys, text, *details):
        """Keeps a line of the trace."""
        if self.lines is not None:
            self.lines.append((self.engine.now, tuple(keys), text % details if details else text, None))

    def promise(self, classes, keys, born, delay=0.0):
        """Gives a promise, now or after a delay."""
        if delay:
            self.engine.at(delay, self.promise, classes, keys, born)
            return
        if not classes or not born:
            return
        for name in classes:
            floors = self.floors[name]
            for key in keys:
                floors[key] = max(floors[key], born)
        if self.lines is not None:
            text = f"answered, in force for {', '.join(classes)}: nothing born before {born:.1f} is served from now on"
            self.lines.append((self.engine.now, tuple(keys), text, born))

    def floor(self, key, *classes):
        """What holds for a lookup that begins now."""
        return tuple(self.floors[name][key] for name in classes)

    def serve(self, how, who, key, began, floor, born):
        """A lookup is served a value; it must be as new as was promised."""
        self.served[how] = self.served.get(how, 0) + 1
        if born < floor:
            self.faults.append((self.engine.now, key, who, how, began, born, floor))

    def check_age(self, who, key, began, read, age):
        """A near copy from before another client's write is served for no longer than its maximum age after it."""
        if any(read < written and began > written + age for written in self.foreign_writes[key]):
            self.faults.append((self.engine.now, key, who, "near, too old", began, read, began - age))

    def trace(self):
        """The lines that tell how the first fault came about."""
        served_at, key, who, how, began, born, floor = self.faults[0]
        told = []
        for time, keys, text, promised in self.lines:
            if born - 1 <= time <= served_at and (key in keys or not keys) and promised in (None, floor):
                told.append(f"{time:9.1f}  {text}")
        served = f"asked for key {key} at {began:.1f} and was served ({how}) what was born {born:.1f}, before {floor:.1f}"
        return [*told, f"{served_at:9.1f}  FAULT: {who} {served}"]
