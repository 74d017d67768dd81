"""A private Redis and its keys."""

import re
import subprocess
import time

import processes
import trailer
from resp import Redis

TAG_MEMBERS = "for i = ARGV[2], ARGV[3] do redis.call('SADD', 'cache:tags:' .. ARGV[1], ARGV[1] .. ':' .. i) end"
# Values of 40 bytes, as those of DEBUG POPULATE. One trailer fits all: it depends on the length of the value, not on its content.
ENTRIES = """
for i = ARGV[2], ARGV[3] do
  redis.call('SET', ARGV[1] .. ':' .. i, string.format('"%038d"', i) .. ARGV[4], 'PX', ARGV[5])
end"""
VALUE_BYTES = 40
ENTRY_LIFE_MS = 3_600_000
ENTRY_LOAD_MS = 12
IDLE_SECONDS = 1
SLICE = 5000
FENCES = "cache:fences"


class Server:
    """A redis-server on a free port that stores nothing on disk."""

    def __init__(self, work):
        self.port = processes.free_port()
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(work)]
        arguments += ["--enable-debug-command", "yes", "--slowlog-max-len", "100000"]
        self.arguments = ["redis-server", *arguments]
        self.process, self.redis = None, None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.DEVNULL)
        try:
            self._must_answer()
        except BaseException:
            self.stop()
            raise

    def _must_answer(self):
        for _ in range(500):
            if self.process.poll() is not None:
                break
            try:
                self.redis = Redis(self.port)
                # Another process may have taken the port.
                if self.redis.info("server")["process_id"] == str(self.process.pid):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit("redis-server did not start")

    def stop(self):
        processes.stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def populate(self, count, prefix):
        """Adds the missing ones of `count` keys `prefix:0`, ... of 40 bytes."""
        self.redis("DEBUG", "POPULATE", count, prefix, 40)

    def fill(self, count, share):
        """Writes `count` keys, of which one in `share` begins with `users:`."""
        self.redis("FLUSHALL")
        self.populate(count // share, "users")
        self.populate(count - count // share, "other")
        # The hash tables have grown; visiting every key completes their rehashing.
        cursor = b"0"
        while True:
            cursor, _ = self.redis("SCAN", cursor, "COUNT", 1000)
            if cursor == b"0":
                return

    def clock_ms(self):
        seconds, microseconds = self.redis("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    def trailer(self, value_bytes, tags=()):
        """The trailer that the library would append to a value of that length now."""
        value = bytes(value_bytes)
        with_trailer = trailer.appended(value, self.clock_ms(), ENTRY_LIFE_MS, load_ms=ENTRY_LOAD_MS, stamp=self.stamp(), tags=tags)
        return with_trailer[value_bytes:]

    def stamp(self):
        """The stamp of a load that begins now: epoch of the fences, and milliseconds and number of the newest."""
        first, last = self.redis("XRANGE", FENCES, "-", "+", "COUNT", 1), self.redis("XREVRANGE", FENCES, "+", "-", "COUNT", 1)
        if not first:
            # As the library begins the stream.
            now = self.clock_ms()
            return now, now, 1 << 32
        (epoch, _), (newest_ms, number) = (map(int, found[0][0].split(b"-")) for found in (first, last))
        return epoch, newest_ms, number

    def write_entries(self, prefix, count, tags=()):
        """Writes `count` keys `prefix:0`, ... as the library does."""
        behind = self.trailer(VALUE_BYTES, tags)
        for first in range(0, count, SLICE):
            last = min(first + SLICE, count) - 1
            self.redis("EVAL", ENTRIES, 0, prefix, first, last, behind, ENTRY_LIFE_MS)

    def tag(self, name, count, is_own):
        """Writes a tag with `count` keys, as the library writes them or as other clients do."""
        if is_own:
            self.write_entries(name, count, (name,))
        else:
            self.populate(count, name)

        for first in range(0, count, SLICE):
            last = min(first + SLICE, count) - 1
            self.redis("EVAL", TAG_MEMBERS, 0, name, first, last)
        if is_own:
            self.redis("PEXPIRE", f"cache:tags:{name}", ENTRY_LIFE_MS)

    def spent_us(self, work):
        """Runs `work`, which returns its number of requests: that, and Redis' processor time and execution time for one.

        The processor time is that beyond what an idle Redis takes in the same time.
        """
        _, idle, seconds = self._measured_us(lambda: time.sleep(IDLE_SECONDS))
        idle_rate = idle / seconds

        self.redis("CONFIG", "RESETSTAT")
        requests, cpu, seconds = self._measured_us(work)
        return requests, (cpu - idle_rate * seconds) / requests, self._executed_us() / requests

    def _measured_us(self, work):
        """Runs `work`: its result, Redis' processor time, and the seconds that it took."""
        started, before = time.monotonic(), self._cpu_us()
        result = work()
        return result, self._cpu_us() - before, time.monotonic() - started

    def _cpu_us(self):
        used = self.redis.info("cpu")
        return (float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) * 1e6

    def _executed_us(self):
        """The execution time of all commands but those of this measurement. Commands of a script count twice."""
        total = 0
        for name, fields in self.redis.info("commandstats").items():
            if not name.startswith(("cmdstat_config", "cmdstat_info")):
                total += int(re.search(r"usec=(\d+)", fields)[1])
        return total
