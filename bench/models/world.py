"""One random history: servers, instances, writers, and what goes wrong in it."""

from engine import DELAYS, Engine
from former import Former
from history import History
from reader import Instance
from rules import CAP, INTERVAL, LONGEST
from server import Node
from writer import Gatherer, Removal, Writer

END = 6000
# How often each change is made, and in which other proportions.
MIX = {
    "delete": 17, "set": 13, "pattern": 22, "tag": 18, "all": 1, "prune": 6,
    "expire": 4, "foreign_set": 7, "foreign_tag": 3, "foreign_get": 9,
}
MIXES = {
    "patterns": {"pattern": 70, "delete": 10, "set": 5, "expire": 10, "foreign_get": 5},
    "tags": {"tag": 60, "prune": 30, "foreign_tag": 5, "set": 5},
    "prune": {"prune": 70, "tag": 10, "set": 5, "delete": 5},
    "keys": {"delete": 50, "set": 40, "foreign_set": 10},
    "purges": {"purge": 50, "set": 10, "pattern": 20, "tag": 20},
}


class World:
    """Draws a scenario from the seed and plays it."""

    def __init__(self, seed, left_out=(), is_traced=False, scenario=None):
        self.engine = Engine(seed, left_out)
        self.random = self.engine.random
        self.draw(scenario or {})
        self.tagged = {"x": tuple(range(0, self.keys, 3)), "y": tuple(range(1, self.keys, 4))}
        cap = 20 if self.is_busy else CAP
        self.nodes = [Node(self.engine, index, cap) for index in range(3 if self.is_cluster else 1)]
        self.cache = self.nodes[0]
        self.cache.servers = {node.index: node.run for node in self.nodes}
        self.history = History(self.engine, self.keys, is_traced)
        self.walking, self.due, self.in_hand = set(), [], set()
        for node in self.nodes:
            node.save()

    def draw(self, scenario):
        """What kind of a history this is."""
        chance = self.random.random
        drawn = {
            "cluster": chance() < 0.5,
            "near": chance() < 0.6,
            "rollout": chance() < 0.2,
            "losses": chance() < 0.3,
            "busy": chance() < 0.15,
            "gathering": chance() < 0.4,
            "longest": chance() < 0.25,
            "soft": chance() < 0.5,
            "network": self.random.choice(("quick", "quick", "quick", "slow", "late")),
            "wide": chance() < 0.5,
            "quick": chance() < 0.5,
            "brief": chance() < 0.4,
            "mix": self.random.choice(("all", "all", *MIXES)),
        }
        drawn.update(scenario)
        self.engine.delays = DELAYS[drawn["network"]]
        self.slowness = (0, 2, 20) if drawn["quick"] else (0, 2, 60, 600)
        self.lives = (60, 300) if drawn["brief"] else (300, 2000, END)
        self.mix = MIXES.get(drawn["mix"], MIX)
        self.keys, self.attention_span = (72, 60) if drawn["wide"] else (10, 600)
        self.is_rollout = drawn["rollout"] and not drawn["losses"]
        self.is_cluster = drawn["cluster"] and not self.is_rollout
        self.has_near = drawn["near"]
        self.has_losses = drawn["losses"]
        self.is_busy = drawn["busy"]
        self.is_gathering = drawn["gathering"]
        self.has_longest = drawn["longest"]
        self.has_soft = drawn["soft"]

    def node_of(self, key):
        return self.nodes[1 + key % 2] if self.is_cluster else self.cache

    def node_of_tag(self, tag):
        return self.nodes[{"x": 0, "y": 1, "z": 2}[tag]] if self.is_cluster else self.cache

    def tags_of(self, key):
        return frozenset(tag for tag, keys in self.tagged.items() if key in keys)

    def keys_meant(self, kind, what):
        """The keys that an invalidation means: of a tag those whose entries have it in their trailers."""
        if kind == "pattern":
            return what
        return self.tagged.get(what, ()) if kind == "tag" else tuple(range(self.keys))

    # The play -------------------------------------------------------------------------------------------------------------

    def play(self):
        spawn = self.engine.spawn
        self.instances = []
        spawn(self.attention())
        for number in range(4):
            spawn(self.instance(number))
        for rate in (50, 150, 500):
            spawn(self.writers(rate))
        spawn(Gatherer(self).run())
        spawn(self.janitor())
        if self.is_rollout:
            former = Former(self)
            spawn(former.requests())
            spawn(self.former_writers(former))
        if self.has_losses:
            spawn(self.losses())
        spawn(self.stalls())
        self.engine.run(END)
        return self.history

    def attention(self):
        """A few keys at a time are asked for and changed; in between they are left alone for longer than fences stay."""
        while True:
            self.active = self.random.sample(range(self.keys), 3)
            yield self.attention_span * self.random.uniform(0.2, 1.5)

    def pick(self):
        """A key that is asked for or changed now."""
        return self.random.choice(self.active) if self.random.random() < 0.95 else self.random.randrange(self.keys)

    def pick_pattern(self):
        """Four keys, one of them picked."""
        first = min(max(self.pick() - self.random.randrange(4), 0), self.keys - 4)
        return tuple(range(first, first + 4))

    def instance(self, number):
        """An instance, and its successors: some live for less than a second, some are seldom asked."""
        self.instances.append(None)
        while True:
            near = self.has_near and number < 2
            longest = LONGEST if self.has_longest and number == 3 else INTERVAL
            pause = self.random.choice((15, 40, 400))
            instance = self.instances[number] = Instance(self, f"instance {number}", near, longest, pause)
            self.engine.spawn(instance.requests())
            yield self.random.choice(self.lives) * self.random.random()
            instance.is_down = True

    def writers(self, rate):
        """Changes, each by a client of its own."""
        while True:
            yield self.random.expovariate(1 / rate)
            writer = Writer(self)
            self.engine.spawn(self.change(writer), fragility=0.005)

    def change(self, writer):
        """One change, or another client's read."""
        key, tag = self.pick(), self.random.choice("xyz")
        kind = self.random.choices(tuple(self.mix), self.mix.values())[0]
        soft = self.has_soft and self.random.random() < 0.6
        if kind == "pattern":
            return writer.invalidate("pattern", self.pick_pattern(), soft)
        if kind == "tag":
            return writer.invalidate("tag", tag, soft)
        if kind == "all":
            return writer.invalidate("all", "", soft)
        if kind == "delete" and soft:
            return writer.purge(key)
        return writer.prune(tag) if kind == "prune" else getattr(writer, kind)(key)

    def former_writers(self, former):
        while True:
            yield self.random.expovariate(1 / 150)
            kind = self.random.random()
            if kind < 0.4:
                self.engine.spawn(former.delete(self.pick()))
            elif kind < 0.8:
                self.engine.spawn(former.invalidate("pattern", self.pick_pattern()))
            else:
                self.engine.spawn(former.invalidate("tag", self.random.choice("xy")))

    def janitor(self):
        """Takes removals over whose walker died."""
        writer = Writer(self)
        while True:
            yield 300
            busy = self.walking | {removal.fence.id for removal in self.due} | self.in_hand
            for fence in self.cache.stream:
                is_open = fence.kind in ("pattern", "tag", "all") and fence.id not in self.cache.ended
                if is_open and fence.id not in busy and self.engine.now - fence.id / 1000 > 400:
                    keys = self.keys_meant(fence.kind, fence.what)
                    removal = Removal(writer, fence, fence.kind, fence.what, keys, (), 0.0, True)
                    self.engine.spawn(removal.run(), fragility=0.01)

    def losses(self):
        """Servers that are replaced by one that lacks what came last, evictions of the stream, and FLUSHALL by another client."""
        while True:
            yield self.random.uniform(50, 700)
            for node in self.nodes:
                if self.random.random() < 0.6:
                    node.save()
            yield self.random.uniform(5, 700)
            kind = self.random.random()
            if kind < 0.6:
                node = self.random.choice(self.nodes)
                self.history.note([], "server %d is replaced by one that knows less", node.index)
                node.replace()
            elif kind < 0.8:
                self.history.note([], "the stream of fences is evicted")
                self.cache.stream, self.cache.ended = [], {}
            else:
                self.history.note([], "another client empties all servers")
                for node in self.nodes:
                    node.empty()

    def stalls(self):
        """Servers that stand still for a while, and then execute what was sent to them."""
        while True:
            yield self.random.expovariate(1 / 2500)
            node = self.random.choice(self.nodes)
            node.stalled_until = self.engine.now + self.random.choice((30, 150, 600)) * self.random.random()
