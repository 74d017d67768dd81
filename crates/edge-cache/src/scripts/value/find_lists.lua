-- Finds the keys that hold a list: perhaps a value in chunks.
-- KEYS: the names, up to 1,000
-- Reply: per key 1 or 0
-- Cost: one or two commands a key.
local found = {}
for i, name in ipairs(KEYS) do found[i] = probably_exists(name) and redis.call('TYPE', name).ok == 'list' and 1 or 0 end
return found
