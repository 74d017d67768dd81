-- Counts the keys of a slice of a tag's set that exist.
-- KEYS: 1 the tag's set
-- ARGV: 1 cursor, 2 how many members a slice has
-- Reply: next cursor, number of keys
-- Cost: one EXISTS a member; 1,000 are well below a millisecond.
local reply = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local living, seen = 0, {}
for _, name in ipairs(reply[2]) do
  if not seen[name] then living = living + redis.call('EXISTS', name) end
  seen[name] = true
end
return { reply[1], living }
