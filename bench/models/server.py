"""A Redis server: what lies in it, and the scripts and commands that the parties send.

Each method is one command or one script, so it is executed at an instant. On a single server one node has everything; of a
Cluster the first has the fences and what shares their slot, the others have the entries and the tags' sets.
"""

import collections
import itertools

import rules

# What a load or a `set` stored, or another client's plain value (no stamp). `born`: when its source was read, or when it was set.
Entry = collections.namedtuple("Entry", "born stamp tags writing expires fresh_until provisional")
# An entry of the stream: what it means by `kind` and `what`. `end` names fences whose removal has finished.
Fence = collections.namedtuple("Fence", "id epoch kind what soft", defaults=(False,))
# The answer to a reader of fences. `found`: its last fence is still there, and `fences` are those after it.
Read = collections.namedtuple("Read", "epoch fences found near")
Waiting = collections.namedtuple("Waiting", "run incarnation count below born expires")

STATE = ("entries", "locks", "waits", "permits", "tags", "aside", "pruned", "stream", "ended", "near", "servers", "former")
writings = itertools.count(1)
runs = itertools.count(1)


def is_meant(fence, key, tags):
    """Whether a fence means a key with these tags."""
    if fence.kind == "pattern":
        return key in fence.what
    if fence.kind == "tag":
        return fence.what in tags
    return fence.kind == "all"


def former_means(node, key, tags, stamp):
    """Whether a fence of the former stream, younger than the stamp, means the key."""
    return any(
        identity > stamp and (kind == "pattern" and key in what or kind == "tag" and what in tags or kind == "all")
        for identity, kind, what in node.former
    )


class Node:
    """One server."""

    def __init__(self, engine, index, cap=rules.CAP):
        self.engine = engine
        self.index = index
        self.cap = cap
        self.run = next(runs)
        self.stalled_until = 0.0
        self.clock = 0
        self.near_expires = 0.0
        self.longest = (rules.INTERVAL, 0.0)
        self.loading = set()
        self.empty()
        self.saved = self.copied()

    @property
    def now(self):
        return self.engine.now

    def empty(self):
        """FLUSHALL."""
        self.entries, self.locks, self.waits, self.permits, self.servers = {}, {}, {}, {}, {}
        self.tags, self.aside, self.pruned = {}, {}, {}
        self.stream, self.ended, self.near, self.former = [], {}, [], [(0, "begin", "")]
        self.near_expires = 0.0
        self.longest = (rules.INTERVAL, 0.0)

    def copied(self):
        state = {name: getattr(self, name).copy() for name in STATE}
        for name in ("tags", "aside", "pruned"):
            state[name] = {tag: set(members) for tag, members in state[name].items()}
        return state, self.near_expires, self.longest

    def save(self):
        """Writes the file, or brings the replica up to date, that the next server starts from."""
        self.saved = self.copied()

    def replace(self):
        """Another server takes its place, with what was saved."""
        state, self.near_expires, self.longest = self.saved
        for name, value in state.items():
            setattr(self, name, value)
        self.saved = self.copied()
        self.run = next(runs)
        self.stalled_until = 0.0

    def next_id(self):
        self.clock = max(self.clock + 1, int(self.now * 1000))
        return self.clock

    # The stream of fences -------------------------------------------------------------------------------------------------

    def begin(self):
        """Begins the stream, with an epoch that no earlier one had. What may still be in use elsewhere counts as in use."""
        epoch = self.engine.random.getrandbits(48)
        self.stream, self.ended = [Fence(self.next_id(), epoch, "begin", "")], {}
        if self.engine.on("young"):
            self.near, self.near_expires = [(self.next_id(), None)], max(self.near_expires, self.now + rules.YOUNG)
            self.longest = (rules.LONGEST, self.now + rules.YOUNG)

    def ensure(self):
        if not self.stream:
            self.begin()

    def greet(self, index, run, last, near_last):
        """What a connection asks first: begins a new epoch where the server of that place is another one than was known."""
        self.ensure()
        if self.servers.get(index) != run and self.engine.on("server"):
            self.begin()
        self.servers[index] = run
        return self.read(last, near_last)

    def append(self, kind, what, soft=False):
        self.ensure()
        fence = Fence(self.next_id(), self.stream[-1].epoch, kind, what, soft)
        self.stream.append(fence)
        return fence

    def fence(self, kind, what, is_rollout, soft=False):
        """Records an invalidation: its fence, whether near caches are registered, and the longest interval."""
        fence = self.append(kind, what, soft)
        if is_rollout and self.engine.on("bridge"):
            self.former.append((self.next_id(), kind, what))
        self.trim()
        return fence, self.is_near(), self.wait()

    def wait(self):
        longest, expires = self.longest
        return max(rules.INTERVAL, longest if expires > self.now else 0)

    def end(self, ids):
        """A removal has finished."""
        self.append("end", ids)
        for identity in ids:
            self.ended[identity] = self.now
        self.trim()

    def trim(self):
        """Lets go what no reader and no store needs any more, the oldest first."""
        while len(self.stream) > 1 and self.may_leave(self.stream[0]):
            self.stream.pop(0)
        if len(self.stream) > self.cap:
            if self.engine.on("cap"):
                self.begin()
            else:
                self.stream = self.stream[-self.cap // 2:]

    def may_leave(self, fence):
        appended = fence.id / 1000
        stay = rules.RETAIN if self.engine.on("keep") else 0
        if fence.kind in ("begin", "end") or not self.engine.on("retain"):
            return self.now - appended >= stay
        ended = self.ended.get(fence.id)
        return ended is not None and self.now - ended >= stay

    def stamp(self):
        self.ensure()
        return self.stream[-1].epoch, self.stream[-1].id, self.former[-1][0]

    def since(self, stamp):
        """The fences since a stamp; None where some may be missing."""
        self.ensure()
        epoch, last, _ = stamp
        ids = [fence.id for fence in self.stream]
        if epoch != self.stream[0].epoch or last not in ids:
            return None
        return self.stream[ids.index(last) + 1:]

    def read(self, last, near_last):
        """A view: the fences after `last` where that is known here, else all."""
        if not self.stream:
            return Read(None, [], False, None)
        ids = [fence.id for fence in self.stream]
        found = last in ids
        fences = self.stream[ids.index(last) + 1:] if found else list(self.stream)
        return Read(self.stream[-1].epoch, fences, found, self.read_near(near_last))

    # Near caches ----------------------------------------------------------------------------------------------------------

    def is_near(self):
        return bool(self.near) and self.near_expires > self.now

    def read_near(self, last):
        if not self.is_near():
            return None
        ids = [identity for identity, _ in self.near]
        found = last in ids
        return found, self.near[ids.index(last) + 1:] if found else self.near[:]

    def register(self, longest, near, last, near_last):
        """An instance keeps near copies, or uses a longer interval, for a while."""
        self.ensure()
        until = self.now + rules.REGISTERED
        if near:
            if not self.is_near():
                self.near = [(self.next_id(), None)]
            self.near_expires = until
        if longest > rules.INTERVAL:
            self.longest = (longest, until)
        return self.read(last, near_last)

    def near_fence(self, key):
        """Appends a near fence where near caches are registered; whether they are."""
        if self.engine.on("young"):
            self.ensure()
        if not self.is_near() or not self.engine.on("near-write"):
            return False
        self.near.append((self.next_id(), key))
        self.near = self.near[-20:]
        return True

    # Entries --------------------------------------------------------------------------------------------------------------

    def get(self, key):
        entry = self.entries.get(key)
        if entry and entry.expires <= self.now:
            del self.entries[key]
            return None
        return entry

    def lock_of(self, key):
        owner, expires = self.locks.get(key, (None, 0))
        return owner if expires > self.now else None

    def acquire(self, key, owner, seen):
        """Takes the load lock: ("ours", number), ("over",) where the entry was written meanwhile, or ("busy",)."""
        entry = self.get(key)
        if (entry.writing if entry else None) != seen:
            return ("over",)
        if self.lock_of(key) is not None:
            return ("busy",)
        self.locks[key] = (owner, self.now + rules.LEASE)
        return "ours", self.turn(key)

    def renew(self, key, owner):
        if self.lock_of(key) == owner:
            self.locks[key] = (owner, self.now + rules.LEASE)

    def grant(self, permit):
        self.permits[permit] = self.now + rules.PERMIT

    def is_granted(self, permit):
        return not self.engine.on("permit") or self.permits.pop(permit, 0) > self.now

    def may_store(self, key, owner):
        return self.lock_of(key) == owner or not self.engine.on("lock")

    def put(self, key, entry):
        self.entries[key] = entry
        return entry

    def store_provisional(self, key, entry, owner, permit):
        """Cluster: stores a loaded value until it is confirmed; ("stored", number of those who asked before) or ("refused",)."""
        if not self.is_granted(permit) or not self.may_store(key, owner):
            return ("refused",)
        self.write_provisional(key, entry)
        self.release(key, owner)
        number = self.turn(key)
        if not self.engine.on("waiters"):
            self.hand(key, number, entry.born)
        return "stored", number

    def set_provisional(self, key, entry, permit):
        """Cluster: the same for a `set`, which ends the load in flight."""
        if not self.is_granted(permit):
            return None
        self.locks.pop(key, None)
        return self.write_provisional(key, entry._replace(born=self.now))

    def write_provisional(self, key, entry):
        if self.engine.on("provision"):
            entry = entry._replace(expires=min(entry.expires, self.now + rules.PROVISION), provisional=True)
        return self.put(key, entry)

    def confirm(self, key, entry, number):
        """Lets a provisional value live as long as it should."""
        found = self.get(key)
        if found and found.writing == entry.writing:
            self.entries[key] = found._replace(expires=entry.expires, provisional=False)
        if number:
            self.hand(key, number, entry.born)

    def discard(self, key, entry, number):
        found = self.get(key)
        if found and found.writing == entry.writing:
            del self.entries[key]
        if number:
            self.hand(key, number, entry.born)

    def remove(self, key):
        """Removes an entry with its load lock."""
        self.entries.pop(key, None)
        self.locks.pop(key, None)

    def remove_found(self, key):
        """What a walk over the keyspace does: it finds only what is there."""
        if self.get(key):
            self.remove(key)

    def unlock(self, key):
        """Removes a load lock, whoever holds it."""
        self.locks.pop(key, None)

    def mark(self, key, seen, fence):
        """Ends the freshness of an entry that was read (`seen`); whether it is still that one. An entry that was loaded after the
        fence is spared, and a foreign value lives for the soft grace."""
        entry = self.get(key)
        if (entry.writing if entry else None) != seen.writing and self.engine.on("compare"):
            return False
        if seen.stamp is not None and fence and seen.stamp[:2] >= (fence.epoch, fence.id) and seen.stamp[0] == fence.epoch:
            return True
        at = fence.id / 1000 if fence else self.now
        expires = min(seen.expires, self.now + rules.SOFT_GRACE if seen.stamp is None else at + max(rules.SOFT_GRACE, 1000))
        fresh_until = seen.fresh_until if seen.stamp is None else min(seen.fresh_until, at)
        if self.engine.on("mark"):
            # Only the trailer is written: what stands before it is what is there now.
            self.entries[key] = (entry or seen)._replace(expires=expires, fresh_until=fresh_until)
        return True

    def members(self, tag):
        """The members of a tag, with those that are aside."""
        return sorted(self.tags.get(tag, set()) | self.pruned.get(tag, set()) | self.aside.get(tag, set()))

    def release(self, key, owner):
        if self.lock_of(key) == owner:
            del self.locks[key]

    def expire(self, key, life):
        """PATCH of a TTL, or the library's `expire`."""
        entry = self.get(key)
        if entry and not (entry.provisional and self.engine.on("expire")):
            self.entries[key] = entry._replace(expires=self.now + life)

    # Waiting --------------------------------------------------------------------------------------------------------------

    def waiting(self, key):
        """The order of waiters and loads of a key, unless it is that of a server before this one."""
        found = self.waits.get(key)
        is_known = found and found.expires > self.now and (found.run == self.run or not self.engine.on("server"))
        return found if is_known else None

    def turn(self, key):
        """A number of the order of waiters and loads; None where nobody waits."""
        found = self.waiting(key)
        if not found:
            return None
        self.waits[key] = found._replace(count=found.count + 1)
        return found.incarnation, found.count + 1

    def look(self, key, number):
        """What a waiter asks: the entry, whether it is being loaded, its number, and the value that it is handed."""
        if not self.waiting(key):
            self.waits[key] = Waiting(self.run, self.engine.random.getrandbits(48), 0, 0, None, self.now + 3 * rules.LEASE)
        found = self.waits[key]._replace(expires=self.now + 3 * rules.LEASE)
        self.waits[key] = found
        number = number or self.turn(key)
        handed = found.born if found.born is not None and number[0] == found.incarnation and number[1] < found.below else None
        return self.get(key), self.lock_of(key) is not None, number, handed

    def hand(self, key, number, born):
        """Hands a value to waiters with a lower number."""
        found = self.waiting(key)
        if found and number and number[0] == found.incarnation and number[1] >= found.below:
            self.waits[key] = found._replace(below=number[1], born=born)

    # Tags -----------------------------------------------------------------------------------------------------------------

    def join(self, tag, key):
        self.tags.setdefault(tag, set()).add(key)

    def set_aside(self, tag):
        """Takes the members of a tag for their removal, with what an interrupted one left."""
        members = self.aside.setdefault(tag, set())
        members |= self.tags.pop(tag, set()) | self.pruned.pop(tag, set())
        return sorted(members)

    def leave_aside(self, tag, key):
        self.aside.get(tag, set()).discard(key)

    def prune_aside(self, tag, key):
        """Moves a member aside that may be dead."""
        if key in self.tags.get(tag, ()):
            self.tags[tag].discard(key)
            self.pruned.setdefault(tag, set()).add(key)

    def prune_end(self, tag, key, is_alive):
        if key in self.pruned.get(tag, ()):
            self.pruned[tag].discard(key)
            if is_alive:
                self.join(tag, key)

    def leave(self, tag, key):
        self.tags.get(tag, set()).discard(key)
