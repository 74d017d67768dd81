"""Those who speak to the servers: connections that greet, views of the fences, and near copies."""

import collections

import rules
from engine import LOST
from server import is_meant

# `position`: the last fence and near fence that were known when its GET was sent, and how many gaps there had been.
Copy = collections.namedtuple("Copy", "entry sent read position")
Position = collections.namedtuple("Position", "fence near gaps")


class Client:
    """A connection to each node."""

    def __init__(self, world):
        self.world = world
        # A node that nobody has greeted since it came is greeted with the first command; others would have nothing new to say.
        servers = world.cache.servers
        self.known = {node.index: node.run if servers.get(node.index) == node.run else None for node in world.nodes}

    def on(self, rule):
        return self.world.engine.on(rule)

    @property
    def now(self):
        return self.world.engine.now

    @property
    def random(self):
        return self.world.engine.random

    def hesitate(self):
        """Stands still between two steps, now and then."""
        if self.random.random() < 0.3:
            yield 1.5 * rules.PERMIT * self.random.random()

    def last(self):
        """The last fence and near fence that are known here."""
        return None, None

    def meet(self, asked, read):
        """Is given each view."""

    def forget_view(self):
        """Is told of a new connection."""

    def send(self, *commands):
        """Sends commands at once, to nodes that were greeted; their replies."""
        for node, _ in commands:
            if node.run != self.known[node.index]:
                greeted = yield from self.greet(node)
                if not greeted:
                    return [LOST] * len(commands)
        replies = yield list(commands)
        return replies

    def greet(self, node):
        """Makes a node known, that of the fences first."""
        for greeted in (self.world.cache, node):
            run = greeted.run
            if run == self.known[greeted.index]:
                continue
            asked, last = self.now, self.last()
            replies = yield [(self.world.cache, lambda: self.world.cache.greet(greeted.index, run, *last))]
            if replies[0] == LOST:
                return False
            self.known[greeted.index] = run
            if self.on("server"):
                self.forget_view()
                self.meet(asked, replies[0])
        return True


class View:
    """What an instance knows of the fences."""

    def __init__(self):
        self.asked = float("-inf")
        self.epoch = None
        self.fences = {}
        self.ended = {}
        self.last = None
        self.near = {}
        self.near_last = None

    def is_open(self, fence, position):
        """Whether its removal had not finished as far as was known when a GET was sent."""
        _, end = self.ended.get(fence.id, (0, float("inf")))
        return end > position


class Reader(Client):
    """An instance of the library, as far as views and near copies go."""

    def __init__(self, world, near=False, longest=rules.INTERVAL):
        super().__init__(world)
        self.view = View()
        self.is_near = near
        self.longest = longest
        self.registered_until = float("-inf")
        self.registered_epoch = None
        # Views asked for since count on the registration.
        self.registered_at = float("inf")
        self.gaps = 0
        self.copies = {}

    def last(self):
        return self.view.last, self.view.near_last

    def position(self):
        return Position(self.view.last or -1, self.view.near_last or -1, self.gaps)

    def forget_view(self):
        self.view.asked = float("-inf")

    def interval(self, began):
        """How old a view may be. A longer interval than everybody's is used only while it is registered."""
        if not self.on("interval"):
            return self.longest
        is_registered = began <= self.registered_until and self.registered_epoch == self.view.epoch
        return self.longest if is_registered and self.view.asked >= self.registered_at else rules.INTERVAL

    def has_view(self, began):
        return self.view.asked >= began - self.interval(began) or not self.on("view") and self.view.asked > float("-inf")

    def ask_view(self):
        """The command that asks for a view."""
        last = self.last()
        return self.world.cache, lambda: self.world.cache.read(*last)

    def fetch_view(self):
        """Asks for a view now; whether it came."""
        asked = self.now
        replies = yield from self.send(self.ask_view())
        if replies[0] == LOST:
            return False
        self.meet(asked, replies[0])
        return True

    def meet(self, asked, read):
        """Makes a reply the view, unless a newer one is known, and applies it to the copies."""
        view = self.view
        if asked <= view.asked:
            return
        is_gap = read.epoch != view.epoch or not read.found
        if read.epoch != view.epoch:
            view.fences, view.ended = {}, {}
        self.learn(read)
        view.asked, view.epoch = asked, read.epoch
        view.last = read.fences[-1].id if read.fences else view.last if read.found else None
        is_gap |= self.learn_near(read.near)
        self.gaps += is_gap
        if self.on("copies"):
            self.cull()

    def learn(self, read):
        """Adds fences; those whose removal finished long ago are forgotten."""
        view = self.view
        for fence in read.fences:
            if fence.kind == "end":
                for identity in fence.what:
                    view.ended.setdefault(identity, (self.now, fence.id if self.on("ended") else 0))
            elif fence.kind != "begin":
                view.fences[fence.id] = fence
        for identity, (seen, _) in list(view.ended.items()):
            if self.now - seen > rules.RETAIN:
                view.fences.pop(identity, None)
                del view.ended[identity]

    def learn_near(self, near):
        """Adds near fences; whether some may have been missed."""
        view = self.view
        if not self.is_near:
            return False
        if near is None:
            view.near_last, self.registered_until = None, float("-inf")
            return True
        found, fences = near
        for identity, key in fences:
            view.near[key] = identity
        view.near_last = fences[-1][0] if fences else view.near_last
        return not found

    def cull(self):
        dead = [key for key, copy in self.copies.items() if self.is_copy_dead(key, copy)]
        for key in dead:
            del self.copies[key]

    # Judging --------------------------------------------------------------------------------------------------------------

    def is_dead(self, key, entry, position):
        """Whether the view says that nobody may be served this entry; None where it cannot say, being of another epoch."""
        view = self.view
        if entry.stamp is None:
            meant = (fence for fence in view.fences.values() if not fence.soft and is_meant(fence, key, ()))
            return self.on("open") and any(view.is_open(fence, position.fence) for fence in meant)
        epoch, stamp, _ = entry.stamp
        if epoch != view.epoch and self.on("epoch"):
            return None
        return any(not fence.soft and fence.id > stamp and is_meant(fence, key, entry.tags) for fence in view.fences.values())

    def is_fresh(self, key, entry):
        """Whether an entry that is not dead is fresh: within its TTL, and no soft fence means it."""
        if entry.fresh_until <= self.now:
            return False
        if entry.stamp is None or not self.on("soft"):
            return True
        fences = self.view.fences.values()
        return not any(fence.soft and fence.id > entry.stamp[1] and is_meant(fence, key, entry.tags) for fence in fences)

    def is_copy_dead(self, key, copy):
        entry, position = copy.entry, copy.position
        if position.gaps != self.gaps or self.view.near.get(key, -1) > position.near:
            return True
        if entry.stamp is not None and not self.is_fresh(key, entry):
            return True
        if entry.stamp is None:
            return any(not fence.soft and fence.id > position.fence and is_meant(fence, key, ()) for fence in self.view.fences.values())
        return self.is_dead(key, entry, position) is not False

    # Near copies ----------------------------------------------------------------------------------------------------------

    def may_use_copies(self, began):
        if not self.on("register"):
            return True
        return began <= self.registered_until and self.registered_epoch == self.view.epoch

    def is_registration_due(self):
        wanted = self.is_near and self.on("register") or self.longest > rules.INTERVAL and self.on("interval")
        return wanted and self.now > self.registered_until - rules.REGISTERED / 2

    def register(self):
        """Registers, or prolongs the registration. Only views asked for after it was acknowledged count on a new one."""
        asked, last, cache = self.now, self.last(), self.world.cache
        replies = yield from self.send((cache, lambda: cache.register(self.longest, self.is_near, *last)))
        if replies[0] == LOST:
            return
        read = replies[0]
        was_kept = asked <= self.registered_until and read.epoch == self.registered_epoch and (not self.is_near or read.near[0])
        self.meet(asked, read)
        self.registered_until, self.registered_epoch = asked + rules.REGISTERED, read.epoch
        if not was_kept:
            self.registered_at = self.now

    def keep(self, key, entry, sent, read, position):
        """Keeps a copy of what a GET has brought."""
        if not self.is_near or not self.may_use_copies(self.now):
            return
        if self.on("register") and self.on("after") and self.view.asked < self.registered_at:
            return
        copy = Copy(entry, sent, read, position)
        if self.on("position") and self.is_copy_dead(key, copy):
            return
        self.copies[key] = copy

    def copy_of(self, key, began):
        copy = self.copies.get(key)
        if copy and self.on("age") and began - copy.sent > rules.MAX_AGE:
            del self.copies[key]
            return None
        return copy if copy and self.may_use_copies(began) else None
