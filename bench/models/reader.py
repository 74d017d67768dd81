"""Lookups through the library: hits, near hits, misses with their load and store, and waiters."""

import rules
from client import Reader
from engine import LOST
from server import Entry, former_means, is_meant, writings

FOREVER = 1e9
LOCK_WAIT = 500
LOADS = (2, 2, 2, 30, 30, 100, 500)


class Instance(Reader):
    """An instance of the library that looks keys up, one request after another and several at once."""

    def __init__(self, world, name, near=False, longest=rules.INTERVAL, pause=8):
        super().__init__(world, near, longest)
        self.name = name
        self.pause = pause
        self.is_down = False
        self.classes = ("near", "near values", "fresh near") if near else ("entries", "values", "fresh")

    def requests(self):
        """Looks keys up for ever."""
        while not self.is_down:
            key = self.world.pick()
            self.world.engine.spawn(self.lookup(key, self.random.random() < 0.3))
            yield self.random.expovariate(1 / self.pause)

    def serve(self, how, key, began, floor, born, is_foreign=False):
        """A lookup is served. After a soft purge that holds for fresh entries only."""
        least = floor[is_foreign]
        if how != "stale" and not is_foreign:
            least = max(least, floor[2])
        self.world.history.serve(how, self.name, key, began, least, born)

    def lookup(self, key, with_grace):
        """get_or_set."""
        began, floor = self.now, self.world.history.floor(key, *self.classes)
        if self.is_registration_due():
            yield from self.register()
        if self.is_near and self.has_view(began):
            copy = self.copy_of(key, began)
            if copy and self.is_fresh(key, copy.entry):
                self.world.history.check_age(self.name, key, began, copy.read, rules.MAX_AGE)
                self.serve("near", key, began, floor, copy.entry.born, copy.entry.stamp is None)
                return
        node = self.world.node_of(key)
        sent, position = self.now, self.position()
        commands = [(node, lambda: (node.get(key), self.now))]
        if not self.has_view(began):
            commands.append(self.ask_view())
        replies = yield from self.send(*commands)
        if len(replies) > 1 and replies[1] != LOST:
            self.meet(sent, replies[1])
        if replies[0] == LOST or not self.has_view(began):
            self.serve("bypass", key, began, floor, self.now)
            return
        entry, read = replies[0]
        is_dead = yield from self.judge(key, entry, position)
        if entry and not is_dead and self.is_fresh(key, entry):
            self.keep(key, entry, sent, read, position)
            self.serve("hit", key, began, floor, entry.born, entry.stamp is None)
            return
        stand_in = entry if entry and with_grace and (not is_dead or not self.on("grace")) else None
        yield from self.miss(key, began, floor, entry, stand_in)

    def judge(self, key, entry, position):
        """Whether an entry is dead. One of another epoch than the view is judged by a view asked for now."""
        if not entry:
            return True
        is_dead = self.is_dead(key, entry, position)
        if is_dead is None:
            yield from self.fetch_view()
            is_dead = self.is_dead(key, entry, position)
        return is_dead is not False

    # Misses ---------------------------------------------------------------------------------------------------------------

    def miss(self, key, began, floor, entry, stand_in):
        """Loads, or waits for another caller's load."""
        node, number = self.world.node_of(key), None
        seen = entry.writing if entry else None
        while True:
            owner, stamped = next(writings), self.stamp_command()
            commands = [(node, lambda: node.acquire(key, owner, seen))] + ([stamped] if self.on("stamp") else [])
            replies = yield from self.send(*commands)
            if LOST in replies:
                break
            if replies[0][0] == "ours":
                stamp = replies[1] if self.on("stamp") else None
                yield from self.load(key, began, floor, owner, replies[0][1], stamp, stand_in)
                return
            if stand_in:
                break
            while True:
                yield self.random.uniform(10, 60)
                if self.now - began > LOCK_WAIT:
                    self.serve("bypass", key, began, floor, self.now)
                    return
                position = self.position()
                replies = yield from self.send((node, lambda: node.look(key, number)))
                if replies[0] == LOST:
                    self.serve("bypass", key, began, floor, self.now)
                    return
                found, is_locked, number, handed = replies[0]
                is_dead = yield from self.judge(key, found, position)
                if not is_dead and self.is_fresh(key, found):
                    self.serve("hit after waiting", key, began, floor, found.born, found.stamp is None)
                    return
                if handed is not None:
                    self.serve("handed", key, began, floor, handed)
                    return
                if not is_locked:
                    break
            seen = found.writing if found else None
        if stand_in:
            self.serve("stale", key, began, floor, stand_in.born, stand_in.stamp is None)
        else:
            self.serve("bypass", key, began, floor, self.now)

    def stamp_command(self):
        return self.world.cache, self.world.cache.stamp

    def load(self, key, began, floor, owner, number, stamp, stand_in):
        """Reads the source, keeps lock and stamp young meanwhile, serves the caller and stores."""
        born, left = self.now, self.random.choice(LOADS) * self.random.random()
        node, is_doomed = self.world.node_of(key), False
        self.world.history.note([key], "%s reads the source (stamp %s)", self.name, stamp and stamp[1])
        if stamp is None:
            yield self.random.choice((1, 100)) * self.random.random()
            replies = yield from self.send(self.stamp_command())
            if replies[0] == LOST:
                return
            stamp = replies[0]
        while left > 0:
            rest = min(left, rules.LEASE / 3)
            yield rest
            left -= rest
            if left > 0:
                replies = yield from self.send((node, lambda: node.renew(key, owner)), self.since_command(stamp))
                if replies[1] != LOST:
                    stamp, is_doomed = self.renewed(key, stamp, replies[1], is_doomed)
        if self.random.random() < 0.1:
            # The load failed: the entry that may stand in is served.
            if stand_in:
                self.serve("stale", key, began, floor, stand_in.born, stand_in.stamp is None)
            if self.random.random() < 0.7:
                yield from self.send((node, lambda: node.release(key, owner)))
            return
        self.serve("load", key, began, floor, born)
        store = self.store_in_steps if self.world.is_cluster else self.store_at_once
        self.world.engine.spawn(store(key, owner, number, stamp, born, is_doomed), fragility=0.08)

    def since_command(self, stamp):
        return self.world.cache, lambda: self.world.cache.since(stamp)

    def renewed(self, key, stamp, fences, is_doomed):
        """A newer stamp where no fence since the old one means the key; else the load is not stored."""
        if fences is None:
            return stamp, True
        tags = self.world.tags_of(key)
        is_doomed |= any(is_meant(fence, key, tags) and (not fence.soft or self.on("soft-store")) for fence in fences)
        return (fences[-1].epoch, fences[-1].id, stamp[2]) if fences else stamp, is_doomed

    def entry(self, key, stamp, born):
        fresh = self.random.choice((150, 600, 3000, FOREVER))
        until = self.now + fresh
        expires = until + self.random.choice((0, 1000))
        return Entry(born, stamp, self.world.tags_of(key), next(writings), expires, until, False)

    def store_at_once(self, key, owner, number, stamp, born, is_doomed):
        """Single server: one script."""
        yield from self.hesitate()
        node, entry = self.world.cache, self.entry(key, stamp, born)
        position, sent = self.position(), self.now

        def script():
            fences = node.since(stamp)
            _, is_fenced = self.renewed(key, stamp, fences, is_doomed)
            if not self.on("atomic"):
                is_fenced = is_doomed
            if self.world.is_rollout and self.on("bridge"):
                is_fenced |= former_means(node, key, entry.tags, stamp[2])
            may_store = node.may_store(key, owner) and not is_fenced
            if may_store:
                node.put(key, entry)
                for tag in entry.tags:
                    node.join(tag, key)
            node.release(key, owner)
            node.hand(key, node.turn(key) if may_store or not self.on("waiters") else number, born)
            return may_store

        replies = yield from self.send((node, script))
        if replies[0] not in (LOST, False):
            self.keep(key, entry, sent, sent, position)

    def store_in_steps(self, key, owner, number, stamp, born, is_doomed):
        """Cluster: permit and stamp, provisional value, tags, check, confirmation."""
        node, permit, position, sent = self.world.node_of(key), next(writings), self.position(), self.now
        replies = yield from self.send((node, lambda: node.grant(permit)), self.since_command(stamp))
        if LOST in replies:
            return
        stamp, is_doomed = self.renewed(key, stamp, replies[1], is_doomed)
        if is_doomed:
            entry = self.entry(key, stamp, born)
            yield from self.send((node, lambda: node.discard(key, entry, number)), (node, lambda: node.release(key, owner)))
            return
        entry = self.entry(key, stamp, born)
        if not self.on("member"):
            yield from self.join(key, entry.tags)
        yield from self.hesitate()
        replies = yield from self.send((node, lambda: node.store_provisional(key, entry, owner, permit)))
        self.world.history.note([key], "%s stores what was born %.1f: %s", self.name, born, replies[0])
        if replies[0] == LOST:
            return
        if replies[0][0] == "refused":
            yield from self.send((node, lambda: node.release(key, owner)))
            return
        is_confirmed = yield from self.confirm(key, entry, replies[0][1], number)
        if is_confirmed:
            self.keep(key, entry, sent, sent, position)

    def join(self, key, tags):
        """Adds a key to its tags' sets; whether that was acknowledged."""
        commands = [(node, lambda node=node, tag=tag: node.join(tag, key)) for tag in sorted(tags) for node in [self.world.node_of_tag(tag)]]
        if not commands:
            return True
        replies = yield from self.send(*commands)
        return LOST not in replies

    def confirm(self, key, entry, number, load_number):
        """Tags, checks and confirms a provisional value; whether it was confirmed."""
        node = self.world.node_of(key)
        yield from self.hesitate()
        if self.on("member"):
            is_member = yield from self.join(key, entry.tags)
            if not is_member:
                return False
        if self.on("check"):
            replies = yield from self.send(self.since_command(entry.stamp))
            if replies[0] == LOST:
                return False
            _, is_doomed = self.renewed(key, entry.stamp, replies[0], False)
            if is_doomed:
                yield from self.send((node, lambda: node.discard(key, entry, load_number)))
                return False
        yield from self.hesitate()
        replies = yield from self.send((node, lambda: node.confirm(key, entry, number)))
        return replies[0] != LOST
