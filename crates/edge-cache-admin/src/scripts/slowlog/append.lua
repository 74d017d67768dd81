-- Appends entries of nodes' slow logs to the kept ones, and records how far each node was read. A node that somebody else has read
-- in the meantime is left out, so that no entry is kept twice.
-- KEYS: 1 the kept entries (a stream), 2 what is known of each node (a hash)
-- ARGV: 1 the most entries kept, then for each node: its name, what was known of it ('' for nothing), what is known now, the number
--       of its entries; then these entries, oldest first
-- Reply: number of entries appended
-- Cost: one write per entry, at most a few hundred.

-- A full server refuses writes that may grow until the script has deleted something. The log matters most then. No node has this name.
redis.pcall('HDEL', KEYS[2], ' ')

local appended, place = 0, 2
while place <= #ARGV do
  local node, before, now, count = ARGV[place], ARGV[place + 1], ARGV[place + 2], tonumber(ARGV[place + 3])
  if (redis.call('HGET', KEYS[2], node) or '') == before then
    redis.call('HSET', KEYS[2], node, now)
    for entry = place + 4, place + 3 + count do
      redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'entry', ARGV[entry])
    end
    appended = appended + count
  end
  place = place + 4 + count
end
return appended
