"""The version before this one, on the same single server during a rollout.

It knows nothing of trailers, views and the stream of fences: every value is fresh as long as it lives. Its loads take the same lock,
stamp the former stream and check that when they store; its invalidations append there, remove, and answer when that is complete. It
releases only the locks of its own loads where it removes by pattern or tag.
"""

import rules
from engine import LOST
from reader import FOREVER
from server import Entry, former_means, writings
from writer import OTHERS, Writer


class Former(Writer):
    """An instance of it, which looks up and invalidates."""

    def requests(self):
        while True:
            key = self.world.pick()
            self.world.engine.spawn(self.lookup(key))
            yield self.random.expovariate(1 / 12)

    def lookup(self, key):
        began, floor = self.now, self.world.history.floor(key, "former")[0]
        node, history, owner = self.world.cache, self.world.history, next(writings)
        replies = yield from self.send((node, lambda: node.get(key)))
        if replies[0] == LOST:
            return
        if replies[0]:
            history.serve("former hit", "the former version", key, began, floor, replies[0].born)
            return
        replies = yield from self.send((node, lambda: (node.acquire(key, owner, None), node.former[-1][0])))
        if replies[0] == LOST or replies[0][0][0] != "ours":
            return
        node.loading.add(key)
        born, stamp = self.now, replies[0][1]
        history.note([key], "the former version reads the source")
        yield self.random.choice((3, 60, 250)) * self.random.random()
        history.serve("former load", "the former version", key, began, floor, born)
        yield from self.store(key, owner, stamp, born)

    def store(self, key, owner, stamp, born):
        node, tags = self.world.cache, self.world.tags_of(key)

        def script():
            if node.lock_of(key) == owner and not former_means(node, key, tags, stamp):
                node.put(key, Entry(born, None, frozenset(), next(writings), FOREVER, FOREVER, False))
                for tag in tags:
                    node.join(tag, key)
                self.world.history.note([key], "the former version stores what was born %.1f", born)
            node.release(key, owner)
            node.loading.discard(key)

        yield from self.send((node, script))

    def delete(self, key):
        """DELETE by key: key and lock."""
        born, node = self.born_now([key]), self.world.cache
        yield self.random.uniform(0, 5)
        replies = yield from self.send((node, lambda: node.remove(key)))
        if replies[0] != LOST:
            self.promise(("entries", "values") + OTHERS, [key], born)
            self.promise(("near", "near values"), [key], born, rules.MAX_AGE)

    def invalidate(self, kind, what):
        """By pattern or tag: a fence in the former stream, then the removal, then the answer."""
        node, keys = self.world.cache, self.world.keys_meant(kind, what)
        born = self.born_now(keys)
        yield self.random.uniform(0, 5)
        replies = yield from self.send((node, lambda: node.former.append((node.next_id(), kind, what))))
        if replies[0] == LOST:
            return
        self.world.history.note(keys, "the former version appends a fence: %s %s", kind, what)
        if kind == "tag":
            replies = yield from self.send((node, lambda: node.set_aside(what)))
            if replies[0] == LOST:
                return
            keys = replies[0]
        for key in keys:
            yield self.random.choice((0, 30)) * self.random.random()
            replies = yield from self.send((node, lambda: self.remove(node, key)))
            if replies[0] == LOST:
                return
        self.promise(("entries", "values") + OTHERS, keys, born)
        self.promise(("near", "near values"), keys, born, rules.MAX_AGE)

    def remove(self, node, key):
        if node.entries.pop(key, None) and key in node.loading:
            node.locks.pop(key, None)
        self.world.history.note([key], "removed by the former version")
