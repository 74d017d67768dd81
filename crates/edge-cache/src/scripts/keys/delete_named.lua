-- Removes named keys atomically, and reports for each whether it existed. Their load locks go too, so that a load in flight does not store
-- what it read before. While a warmup runs, a fence for each key keeps it from storing an old value.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the warmup lock, 4 the registration of near caches, 5 the near fences; then the names, up to 1,000, each once; then their load locks
-- Reply: for how many milliseconds from now near caches may not know it; then per key 1 when it was removed, 0 when it did not exist or belongs to the audit trail
-- Cost: one command a key, and a few for all of them; 1,000 take about a millisecond (two shared cores).
local count = (#KEYS - 5) / 2
local names = { unpack(KEYS, 6, count + 5) }

-- Fences come first: if Redis refuses one, nothing has been removed.
if exists(KEYS[3]) then
  for _, name in ipairs(names) do append_fence(KEYS[1], KEYS[2], 'key', name) end
end

local reply = { near_interval(KEYS[4]) }
for i, name in ipairs(names) do
  reply[i + 1] = is_spared(name, true) and 0 or redis.call('UNLINK', name)
end
unlink({ unpack(KEYS, count + 6) })
if reply[1] > 0 then append_near_fences(KEYS[5], names) end
return reply
