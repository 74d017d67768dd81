-- Reads the counters of lookups.
-- KEYS: 1 the counters (a hash)
-- Reply: the counters in one string of MessagePack: a field and its text for each
-- Cost: reads all counters (at most about 900 small fields).
local counters = redis.pcall('HGETALL', KEYS[1])
local packed = {}
for i = 1, #counters, 2 do packed[#packed + 1] = cmsgpack.pack(counters[i], counters[i + 1]) end

-- This is an own read. A replica or a full server refuses this write, which must not fail the reading.
if #counters > 0 then redis.pcall('HINCRBY', KEYS[1], ':own_hits', 1) end
return table.concat(packed)
