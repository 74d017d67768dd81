-- Removes named keys at once, with what is known of them, and says of each whether it existed. Their locks go too, so
-- that a load in flight does not store what it read before.
-- KEYS: the names, up to 1,000
-- Reply: per key one: 1 removed, 0 did not exist. While a warmup runs it learns of them, so that it does not store what it
-- has loaded before.
-- Cost: one command a key, and a few over all of them; 1,000 take about a millisecond (two shared cores).
-- First: where it is refused nothing has been removed.
if redis.call('EXISTS', 'lock:cache:warmup') == 1 then
  for _, name in ipairs(KEYS) do fence('cache:fences', 'key', name) end
end
unlink(locks_of(KEYS))
forget(KEYS)
local removed = {}
for i, name in ipairs(KEYS) do removed[i] = redis.call('UNLINK', name) end
return removed
