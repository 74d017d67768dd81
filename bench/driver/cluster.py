"""A private Redis Cluster of three primaries with a replica each, a client for it, and its failures."""

import binascii
import contextlib
import os
import signal
import subprocess
import time

import processes
from resp import Redis, ReplyError

SLOTS = 16_384
PRIMARIES = 3
# Longer than a node is frozen in the soak, so that only a killed node is replaced.
NODE_TIMEOUT_MS = 13_000
READY_SECONDS = 60
MIGRATED_AT_ONCE = 500
# The slot of edge-cache's singleton keys.
OWN_KEY = b"cache:{cache}:fences"


def slot_of(key):
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    return binascii.crc_hqx(key[start + 1 : end] if 0 <= start < end - 1 else key, 0) % SLOTS


class Nodes:
    """A client of all nodes: each command goes to the node of its first key, and follows redirections."""

    def __init__(self, port, timeout_seconds=5):
        self.timeout_seconds, self.connections, self.owners = timeout_seconds, {}, {}
        for first, last, (_, owner, *_), *_ in self.on(port)("CLUSTER", "SLOTS"):
            self.owners.update(dict.fromkeys(range(first, last + 1), owner))

    def on(self, port):
        """The connection to a node."""
        if port not in self.connections:
            self.connections[port] = Redis(port, self.timeout_seconds)
        return self.connections[port]

    def __call__(self, name, key, *words):
        slot = slot_of(key if isinstance(key, bytes) else key.encode())
        try:
            return self.on(self.owners[slot])(name, key, *words)
        except ReplyError as error:
            kind, _, address = str(error).partition(f" {slot} ")
            port = int(address.rpartition(":")[2]) if kind in ("MOVED", "ASK") else None
        if port is None:
            raise ReplyError(kind)
        if kind == "ASK":
            self.on(port)("ASKING")
        else:
            self.owners[slot] = port
        return self.on(port)(name, key, *words)

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Cluster:
    """Six nodes on free ports that store nothing on disk. Three are primaries at first."""

    def __init__(self, work):
        self.work, self.processes = work, {}
        for _ in range(2 * PRIMARIES):
            self._start_node()
        ports = [f"127.0.0.1:{port}" for port in self.processes]
        created = ["redis-cli", "--cluster", "create", *ports, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(created, check=True, stdout=subprocess.DEVNULL)
        self.wait_until_ok()
        # The node that the application is given: it is neither killed nor frozen.
        self.port = self.owner(OWN_KEY)

    def _start_node(self):
        port, bus = processes.free_port(), processes.free_port()
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.work)]
        arguments += ["--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{port}.conf", "--cluster-port", str(bus)]
        arguments += ["--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--repl-diskless-sync-delay", "0"]
        self.processes[port] = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                # Another process may have taken the port.
                if Redis(port).info("server")["process_id"] == str(self.processes[port].pid):
                    return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("a node of the Cluster did not start")

    def living(self):
        return [port for port, process in self.processes.items() if process.poll() is None]

    def wait_until_ok(self):
        """Waits until each node that runs sees all slots served by nodes that run."""
        deadline = time.monotonic() + READY_SECONDS
        while not all(self._sees_ok(port) for port in self.living()):
            if time.monotonic() > deadline:
                raise SystemExit("the Cluster is not ready")
            time.sleep(0.1)

    def _sees_ok(self, port):
        redis = Redis(port, 5)
        is_ok = b"cluster_state:ok" in redis("CLUSTER", "INFO")
        ranges = redis("CLUSTER", "SLOTS")
        redis.close()
        served = sum(last - first + 1 for first, last, *_ in ranges)
        return is_ok and served == SLOTS and all(nodes[0][1] in self.living() for _, _, *nodes in ranges)

    def nodes(self):
        return Nodes(next(iter(self.living())))

    def owner(self, key):
        nodes = self.nodes()
        owner = nodes.owners[slot_of(key)]
        nodes.close()
        return owner

    def primaries(self):
        """The ports of the primaries; that of edge-cache's own keys first."""
        nodes = self.nodes()
        own = nodes.owners[slot_of(OWN_KEY)]
        nodes.close()
        return [own, *sorted(set(nodes.owners.values()) - {own})]

    def kill(self, port):
        processes.stop(self.processes[port], signal.SIGKILL)

    def freeze(self, port, seconds):
        os.kill(self.processes[port].pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.processes[port].pid, signal.SIGCONT)

    def move(self, slots, source, target):
        """Moves slots with their keys, in the steps of redis-cli."""
        nodes = self.nodes()
        redis, ids = nodes.on(source), {port: nodes.on(port)("CLUSTER", "MYID") for port in (source, target)}
        others = [port for port in self.primaries() if port not in (source, target)]
        for slot in slots:
            nodes.on(target)("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
            redis("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
            while keys := redis("CLUSTER", "GETKEYSINSLOT", slot, MIGRATED_AT_ONCE):
                redis("MIGRATE", "127.0.0.1", target, "", 0, 5000, "KEYS", *keys)
            for port in (target, source, *others):
                nodes.on(port)("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        nodes.close()
        self.wait_until_ok()

    def names(self, pattern):
        """The matching names on all nodes."""
        found = set()
        for port in self.primaries():
            redis, cursor = Redis(port), None
            while cursor != b"0":
                cursor, page = redis("SCAN", cursor or b"0", "MATCH", pattern, "COUNT", 1000)
                found.update(page)
            redis.close()
        return found

    def count_clients(self):
        total = 0
        for port in self.living():
            redis = Redis(port, 5)
            total += int(redis.info("clients")["connected_clients"]) - 1
            redis.close()
        return total

    def stop(self):
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            processes.stop(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
