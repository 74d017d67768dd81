-- Removes what matches in one slice of the keyspace, atomically for the slice.
-- ARGV: 1 cursor, 2 pattern, 3 COUNT, 4 '1' to leave out cache:* and lock:*
-- Reply: next cursor, number of matches, number of keys removed
-- Cost: about COUNT keys visited and the matches unlinked; 1,000 are about a millisecond. No name leaves the server.
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local guarded = ARGV[4] == '1'
local doomed = {}
for _, name in ipairs(reply[2]) do
  local own = guarded and (string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:')
  if not own then doomed[#doomed + 1] = name end
end
local removed = 0
for first = 1, #doomed, 1000 do
  removed = removed + redis.call('UNLINK', unpack(doomed, first, math.min(first + 999, #doomed)))
end
return { reply[1], #doomed, removed }
