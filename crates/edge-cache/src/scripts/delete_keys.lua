-- Removes named keys at once and says of each whether it existed.
-- KEYS: the names, up to 1,000
-- Reply: per key one: 1 removed, 0 did not exist
-- Cost: one UNLINK a key; 1,000 are about a millisecond.
local removed = {}
for i, name in ipairs(KEYS) do removed[i] = redis.call('UNLINK', name) end
return removed
