"""Discrete events: processes that sleep and send commands, with random delays, pauses, lost replies and crashes.

A process is a generator. It yields a number to sleep for so many milliseconds, or a list of commands, each a pair of node and
action, to send them at once; it is given their replies, LOST for those that did not come in time. A command whose reply was
lost may be executed all the same, seconds later.
"""

import heapq
import itertools
import random

from rules import REPLY_USE

LOST = "lost"
DELAYS = {"quick": (0.90, 0.975, 0.993), "slow": (0.6, 0.93, 0.985), "late": (0.86, 0.88, 0.89)}


class Process:
    """A running generator; `fragility` is the probability to die at each step."""

    __slots__ = ("generator", "fragility")

    def __init__(self, generator, fragility):
        self.generator = generator
        self.fragility = fragility


class Pending:
    """Commands that were sent together."""

    __slots__ = ("process", "sent", "replies", "left", "timed")

    def __init__(self, process, sent, count):
        self.process = process
        self.sent = sent
        self.replies = [LOST] * count
        self.left = count
        self.timed = False


class Engine:
    """The clock, the network and the processes of one history."""

    def __init__(self, seed, left_out=()):
        self.random = random.Random(seed)
        self.left_out = frozenset(left_out)
        self.now = 0.0
        # Bounds of short, medium and long delays; the rest are longer than a caller waits.
        self.delays = DELAYS["quick"]
        self.queue = []
        self.tie = itertools.count()

    def on(self, rule):
        """Whether a rule is in force."""
        return rule not in self.left_out

    def at(self, delay, action, *arguments):
        """Runs an action after a delay."""
        heapq.heappush(self.queue, (self.now + delay, next(self.tie), action, arguments))

    def spawn(self, generator, fragility=0.0):
        """Starts a process."""
        self.resume(Process(generator, fragility), None)

    def run(self, end):
        """Runs until `end`."""
        while self.queue:
            self.now, _, action, arguments = heapq.heappop(self.queue)
            if self.now > end:
                return
            action(*arguments)

    def resume(self, process, value):
        """Lets a process go on with what it waited for, unless it dies here."""
        if process.fragility and self.random.random() < process.fragility:
            process.generator.close()
            return
        try:
            wanted = process.generator.send(value)
        except StopIteration:
            return
        if isinstance(wanted, list):
            self.send(process, wanted)
        else:
            self.at(wanted, self.resume, process, None)

    def delay(self):
        """A message's time: mostly short, sometimes beyond every time limit."""
        short, medium, long = self.delays
        kind = self.random.random()
        if kind < short:
            return self.random.uniform(0, 3)
        if kind < medium:
            return self.random.uniform(0, 60)
        if kind < long:
            return self.random.uniform(0, 1.2 * REPLY_USE)
        return self.random.uniform(REPLY_USE, 8 * REPLY_USE)

    def send(self, process, commands):
        pending = Pending(process, self.now, len(commands))
        for place, (node, action) in enumerate(commands):
            out, back = self.delay(), self.delay()
            self.at(out, self.execute, pending, place, node, action, node.run, back)
            if out + back > REPLY_USE:
                self.limit(pending)

    def limit(self, pending):
        if not pending.timed and self.on("late"):
            pending.timed = True
            self.at(pending.sent + REPLY_USE - self.now, self.give_up, pending)

    def execute(self, pending, place, node, action, run, back):
        """Executes a command, later where the node is stalled; a node that was replaced has not got it."""
        if node.stalled_until > self.now:
            self.limit(pending)
            self.at(node.stalled_until - self.now + self.random.uniform(0, 5), self.execute, pending, place, node, action, run, back)
        elif node.run != run:
            self.arrive(pending, place, LOST)
        else:
            self.at(back, self.arrive, pending, place, action())

    def arrive(self, pending, place, reply):
        if pending.left > 0:
            pending.replies[place] = reply
            pending.left -= 1
            if pending.left == 0:
                self.finish(pending)

    def give_up(self, pending):
        if pending.left > 0:
            pending.left = 0
            self.finish(pending)

    def finish(self, pending):
        """Hands the replies over, sometimes only after the process stood still for a while."""
        if self.random.random() < 0.004:
            self.at(self.random.uniform(0, 4 * REPLY_USE), self.deliver, pending)
        else:
            self.deliver(pending)

    def deliver(self, pending):
        replies = pending.replies
        if self.on("late") and self.now - pending.sent > REPLY_USE:
            replies = [LOST] * len(replies)
        self.resume(pending.process, replies)
