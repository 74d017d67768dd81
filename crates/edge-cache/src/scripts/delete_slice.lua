-- Removes what matches in one slice of the keyspace, atomically for the slice.
-- KEYS: 1 the fences
-- ARGV: 1 cursor, 2 pattern, 3 COUNT, 4 what is spared, 5 '1' to let loads in flight know
-- Reply: next cursor, number of matches, number of keys removed
-- Cost: about COUNT keys visited and the matches unlinked; 1,000 are about a millisecond. No name leaves the server.
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local doomed = {}
for _, name in ipairs(reply[2]) do
  if not spared(name, ARGV[4]) then doomed[#doomed + 1] = name end
end

-- First: where it is refused nothing has been removed.
if ARGV[5] == '1' then fence(KEYS[1], 'pattern', ARGV[2]) end
release_loads(doomed)
forget(doomed)
return { reply[1], #doomed, unlink(doomed) }
