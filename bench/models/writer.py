"""Those who change things: `set`, `delete`, invalidations with their walks, pruning, other clients, and the version before."""

import rules
from client import Client
from engine import LOST
from reader import FOREVER
from server import Entry, writings

LIBRARY = ("entries", "near")
FRESH = ("fresh", "fresh near")
VALUES = ("values", "near values")
OTHERS = ("bare", "former")


class Writer(Client):
    """Administration, and services that write through the library."""

    def born_now(self, keys):
        """The source of these keys changes; the moment before which values are old."""
        self.world.history.note(keys, "the source changes")
        return self.now

    def promise(self, classes, keys, born, delay=0.0):
        """What is lost with a server is promised for entries alone."""
        if self.world.has_losses:
            classes = [name for name in classes if name in LIBRARY + FRESH]
        self.world.history.promise(classes, keys, born, delay)

    # By key ---------------------------------------------------------------------------------------------------------------

    def delete(self, key):
        """An invalidation by key: entry and lock in one step, then the near fence."""
        born = self.born_now([key])
        yield self.random.uniform(0, 5)
        node, cache = self.world.node_of(key), self.world.cache
        near = False
        if not self.on("write-first"):
            replies = yield from self.send((cache, lambda: cache.near_fence(key)))
            if replies[0] == LOST:
                return
            near = replies[0]
            yield from self.hesitate()
        replies = yield from self.send((node, lambda: node.remove(key)))
        if replies[0] == LOST:
            return
        self.world.history.note([key], "removed by key")
        yield from self.hesitate()
        if self.on("write-first"):
            replies = yield from self.send((cache, lambda: cache.near_fence(key)))
            if replies[0] == LOST:
                return
            near = replies[0]
        if near and self.on("wait"):
            yield rules.INTERVAL
        self.promise(LIBRARY + VALUES + OTHERS, [key], born)

    def purge(self, key):
        """A soft purge by key: the lock goes, the entry is read and marked, then the near fence."""
        born = self.born_now([key])
        yield self.random.uniform(0, 5)
        node, cache = self.world.node_of(key), self.world.cache
        if self.on("unlock"):
            replies = yield from self.send((node, lambda: node.unlock(key)))
            if replies[0] == LOST:
                return
        yield from self.hesitate()
        is_marked = yield from self.mark(key, None)
        if not is_marked:
            return
        if not self.on("unlock"):
            replies = yield from self.send((node, lambda: node.unlock(key)))
            if replies[0] == LOST:
                return
        self.world.history.note([key], "marked stale by key")
        replies = yield from self.send((cache, lambda: cache.near_fence(key)))
        if replies[0] == LOST:
            return
        if replies[0] and self.on("wait"):
            yield rules.INTERVAL
        self.promise(FRESH, [key], born)

    def mark(self, key, fence):
        """Reads an entry and marks it, again where it was written in between; whether that was done."""
        node = self.world.node_of(key)
        for _ in range(8):
            replies = yield from self.send((node, lambda: (node.get(key),)))
            if replies[0] == LOST:
                continue
            seen = replies[0][0]
            if not seen:
                return True
            yield from self.hesitate()
            replies = yield from self.send((node, lambda seen=seen: node.mark(key, seen, fence)))
            if replies[0] is True:
                return True
        return False

    def set(self, key):
        """The library's `set`."""
        born = self.now
        for _ in range(3):
            node, cache, permit = self.world.node_of(key), self.world.cache, next(writings)
            replies = yield from self.send((node, lambda: node.grant(permit)), (cache, cache.stamp))
            if LOST in replies:
                return
            stamp, tags = replies[1], self.world.tags_of(key)
            entry = Entry(born, stamp, tags, next(writings), FOREVER, FOREVER, False)
            if self.world.is_cluster:
                outcome = yield from self.set_in_steps(key, entry, permit)
            else:
                outcome = yield from self.set_at_once(key, entry)
            if outcome != "again":
                break
        if outcome != "stored":
            return
        replies = yield from self.send((cache, lambda: cache.near_fence(key)))
        if replies[0] == LOST:
            return
        if replies[0] and self.on("wait"):
            yield rules.INTERVAL
        self.promise(LIBRARY + VALUES + OTHERS, [key], born)

    def set_at_once(self, key, entry):
        node = self.world.cache

        def script():
            node.locks.pop(key, None)
            node.put(key, entry._replace(born=self.now, stamp=node.stamp()))
            for tag in entry.tags:
                node.join(tag, key)
            return True

        replies = yield from self.send((node, script))
        return "failed" if replies[0] == LOST else "stored"

    def set_in_steps(self, key, entry, permit):
        """Cluster: as a store; one that an invalidation overtook is made again."""
        node = self.world.node_of(key)
        replies = yield from self.send((node, lambda: node.set_provisional(key, entry, permit)))
        if replies[0] == LOST:
            return "failed"
        if replies[0] is None:
            return "again"
        is_confirmed = yield from self.world.instances[0].confirm(key, replies[0]._replace(expires=entry.expires), None, None)
        return "stored" if is_confirmed else "again"

    def expire(self, key):
        """PATCH of a TTL."""
        node = self.world.node_of(key)
        yield from self.send((node, lambda: node.expire(key, FOREVER)))

    # By pattern, tag, everything ------------------------------------------------------------------------------------------

    def invalidate(self, kind, what, soft=False):
        """Appends a fence, answers when it is in force, and removes behind the answer. Events are gathered instead."""
        world, cache = self.world, self.world.cache
        keys = world.keys_meant(kind, what)
        born = self.born_now(keys)
        yield self.random.uniform(0, 5)
        for _ in range(3):
            replies = yield from self.send((cache, lambda: cache.fence(kind, what, world.is_rollout, soft)))
            if replies[0] != LOST:
                break
        else:
            return
        fence, near, wait = replies[0]
        world.history.note(keys, "%sfence %d: %s %s", "soft " if soft else "", fence.id, kind, what)
        own = [key for key in keys if kind != "tag" or what in world.tags_of(key)]
        # By views: entries at once for all, foreign values as far as a fence can mean them.
        classes = FRESH if soft else LIBRARY + (VALUES if kind != "tag" and not world.is_busy else ())
        self.promise(classes, own, born, wait if self.on("wait") else 0)
        removal = Removal(self, fence, kind, what, keys, own, born, near)
        if kind == "pattern" and world.is_gathering and self.random.random() < 0.7:
            world.due.append(removal)
            return
        yield self.random.choice((0, 0, self.world.slowness[-1])) * self.random.random()
        world.engine.spawn(removal.run(), fragility=0.01)

    # Pruning --------------------------------------------------------------------------------------------------------------

    def prune(self, tag):
        """Removes members of a tag whose keys are gone."""
        node = self.world.node_of_tag(tag)
        members = yield from self.send((node, lambda: sorted(node.tags.get(tag, ()))))
        for key in [] if members[0] == LOST else members[0]:
            place = self.world.node_of(key)
            if not self.world.is_cluster:
                yield from self.send((node, lambda: node.get(key) or node.leave(tag, key)))
                continue
            if self.on("prune"):
                replies = yield from self.send((node, lambda: node.prune_aside(tag, key)))
                if replies[0] == LOST:
                    continue
            replies = yield from self.send((place, lambda: node_has(place, key)))
            if replies[0] == LOST:
                continue
            is_alive = replies[0]
            yield from self.hesitate()
            if self.on("prune"):
                yield from self.send((node, lambda: node.prune_end(tag, key, is_alive)))
            elif not is_alive:
                yield from self.send((node, lambda: node.leave(tag, key)))

    # Other clients --------------------------------------------------------------------------------------------------------

    def foreign_set(self, key):
        """SET without a trailer."""
        node, history = self.world.node_of(key), self.world.history

        def command():
            history.foreign_writes[key].append(self.now)
            history.note([key], "another client sets the key")
            node.put(key, Entry(self.now, None, frozenset(), next(writings), FOREVER, FOREVER, False))

        yield from self.send((node, command))

    def foreign_get(self, key):
        """A bare GET: promised only what has been removed."""
        began, floor = self.now, self.world.history.floor(key, "bare")
        node = self.world.node_of(key)
        replies = yield from self.send((node, lambda: node.get(key)))
        if replies[0] not in (LOST, None):
            self.world.history.serve("bare GET", "another client", key, began, floor[0], replies[0].born)

    def foreign_tag(self, key):
        """SADD into a tag's set."""
        node = self.world.node_of_tag("z")
        yield from self.send((node, lambda: node.join("z", key)))


def node_has(node, key):
    return node.get(key) is not None


class Removal:
    """The walk that removes what a fence means."""

    def __init__(self, writer, fence, kind, what, keys, own, born, near):
        self.writer, self.world = writer, writer.world
        self.fence, self.kind, self.what = fence, kind, what
        self.keys, self.own, self.born, self.near = keys, own, born, near
        self.members = []

    def run(self):
        """Removes, and says so."""
        self.world.walking.add(self.fence.id)
        try:
            yield from self.walk()
        finally:
            self.world.walking.discard(self.fence.id)

    def walk(self):
        slowness = self.writer.random.choice(self.world.slowness)
        if self.kind == "tag":
            is_done = yield from self.walk_members(slowness)
        else:
            is_done = yield from self.walk_keys(self.keys, slowness)
        if is_done:
            yield from self.end()

    def walk_keys(self, keys, slowness):
        for key in keys:
            yield slowness * self.writer.random.random()
            is_removed = yield from self.remove(key)
            if not is_removed:
                return False
        return True

    def remove(self, key):
        """Removes a key that the keyspace or a tag's set names."""
        if self.fence.soft:
            is_marked = yield from self.mark(key)
            return is_marked
        node = self.world.node_of(key)
        remove = node.remove if self.kind == "tag" else node.remove_found
        for _ in range(5):
            replies = yield from self.writer.send((node, lambda: remove(key)))
            if replies[0] != LOST:
                self.world.history.note([key], "removed by the walk of fence %d", self.fence.id)
                return True
        return False

    def mark(self, key):
        """Marks a key that the keyspace or a tag's set names; of a tag its load lock goes first."""
        node = self.world.node_of(key)
        if self.kind == "tag":
            replies = yield from self.writer.send((node, lambda: node.unlock(key)))
            if replies[0] == LOST:
                return False
        is_marked = yield from self.writer.mark(key, self.fence)
        if is_marked:
            self.world.history.note([key], "marked by the walk of soft fence %d", self.fence.id)
        return is_marked

    def walk_members(self, slowness):
        """The members of the tag's set, which is set aside first unless they are only marked."""
        node, tag, soft = self.world.node_of_tag(self.what), self.what, self.fence.soft
        replies = yield from self.writer.send((node, lambda: node.members(tag) if soft else node.set_aside(tag)))
        if replies[0] == LOST:
            return False
        for key in replies[0]:
            yield slowness * self.writer.random.random()
            is_removed = yield from self.remove(key)
            if not is_removed:
                return False
            if not soft:
                yield from self.writer.send((node, lambda: node.leave_aside(tag, key)))
        self.members = replies[0]
        return True

    def end(self):
        cache = self.world.cache
        replies = yield from self.writer.send((cache, lambda: cache.end((self.fence.id,))))
        if replies[0] != LOST:
            self.finish()

    def finish(self):
        """What the finished removal promises, beyond views: of a tag for the members that its set had, whoever added them."""
        self.world.history.note(self.keys, "the removal of fence %d has finished", self.fence.id)
        if self.fence.soft:
            # A member that another client has added is not meant by the fence, for near copies neither.
            members = self.members if self.kind == "tag" else self.own
            self.writer.promise(FRESH[:1], members, self.born)
            self.writer.promise(FRESH[1:], members, self.born, rules.MAX_AGE)
            return
        promise, keys = self.writer.promise, self.members if self.kind == "tag" else self.keys
        delay = rules.REPLY_USE + rules.PERMIT + rules.PROVISION if self.world.is_cluster else 0
        promise(OTHERS, keys, self.born, delay)
        promise(("values",), keys, self.born)
        promise(("near values",), keys, self.born, rules.MAX_AGE)
        if self.kind == "tag":
            promise(("entries",), keys, self.born)
            promise(("near",), keys, self.born, rules.MAX_AGE)
        if not self.world.is_cluster and not self.near:
            promise(LIBRARY, self.own, self.born)


class Gatherer(Writer):
    """Removes for the patterns of many events in one walk."""

    def run(self):
        while True:
            yield self.random.uniform(50, 200)
            batch, self.world.due = self.world.due, []
            if batch:
                self.world.in_hand = {removal.fence.id for removal in batch}
                yield from self.walk(batch)

    def walk(self, batch):
        joined = list(batch)
        for key in range(self.world.keys):
            yield self.random.uniform(0, 40)
            if not self.on("gather"):
                joined += self.world.due
                self.world.due = []
            removals = [removal for removal in joined if key in removal.keys]
            hard = [removal for removal in removals if not removal.fence.soft]
            # A removal comes first; of several soft purges the newest marks.
            for removal in (hard or removals[-1:])[:1]:
                is_removed = yield from removal.remove(key)
                if not is_removed:
                    self.world.due += joined
                    return
        cache, ids = self.world.cache, tuple(removal.fence.id for removal in joined)
        replies = yield from self.send((cache, lambda: cache.end(ids)))
        if replies[0] != LOST:
            for removal in joined:
                removal.finish()
