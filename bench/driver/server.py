"""A private Redis, and the keys in it."""

import subprocess
import time

import processes
from resp import Redis

TAG_MEMBERS = """
for i = ARGV[2], ARGV[3] do
  redis.call('SADD', 'cache:tags:' .. ARGV[1], ARGV[1] .. ':' .. i)
  if ARGV[4] == '1' then
    redis.call('HSET', 'cache:meta:{' .. ARGV[1] .. ':' .. i .. '}', 'life', 3600000, 'grace', 0, 'load', 12, 'tags', ARGV[1],
      'chunks', '', 'writing', '00112233445566778899aabbccddeeff')
  end
end
if ARGV[4] == '1' then redis.call('SET', 'cache:meta', 1) else redis.call('UNLINK', 'cache:meta') end"""
SLICE = 5000


class Server:
    """redis-server on a port of its own that keeps nothing on disk."""

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
                # Another's server may have taken the port.
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
        """Adds those of `count` keys `prefix:0`, ... of 40 bytes that are missing."""
        self.redis("DEBUG", "POPULATE", count, prefix, 40)

    def fill(self, count, share):
        """`count` keys, of which one in `share` begins with `users:`."""
        self.redis("FLUSHALL")
        self.populate(count // share, "users")
        self.populate(count - count // share, "other")
        # The tables have grown; one look at every key, and the growing is over.
        cursor = b"0"
        while True:
            cursor, _ = self.redis("SCAN", cursor, "COUNT", 1000)
            if cursor == b"0":
                return

    def tag(self, name, count, companions):
        """A tag with `count` keys; with what the library notes beside each key, or as another client fills it."""
        self.populate(count, name)
        for first in range(0, count, SLICE):
            last = min(first + SLICE, count) - 1
            self.redis("EVAL", TAG_MEMBERS, 0, name, first, last, int(companions))
