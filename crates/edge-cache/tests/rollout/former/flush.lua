-- Stands before scripts that begin a stream of fences. Its first one has a number of its own: those that Redis gives start at 0 within
-- each millisecond, and one of an earlier stream, which a load may have for its stamp, must not come again.
local function first_fence(fences, number, kind, what)
  -- The time is in the number that Redis gives; asking for it with TIME is a right that users seldom have.
  local milliseconds = string.match(redis.call('XADD', fences, '*', kind, what), '^%d+')
  return redis.call('XADD', fences, milliseconds .. '-' .. number, kind, what)
end

-- Empties the database, atomically carrying over what must outlive a global clear.
-- KEYS: the keys to carry over (small ones: each is dumped and restored with its remaining time to live)
-- Reply: number of keys removed, number carried over
-- Cost: FLUSHDB ASYNC hands the memory to a background thread, so constant apart from the carried keys.
local carried = {}
for _, name in ipairs(KEYS) do
  local dump = redis.call('DUMP', name)
  if dump then carried[#carried + 1] = { name, math.max(redis.call('PTTL', name), 0), dump } end
end
local before = redis.call('DBSIZE')
redis.call('FLUSHDB', 'ASYNC')
for _, key in ipairs(carried) do redis.call('RESTORE', key[1], key[2], key[3]) end
-- A warmup that runs must not store what it has loaded before.
if redis.call('EXISTS', 'lock:cache:warmup') == 1 then first_fence('cache:fences', '8589934592', 'pattern', '*') end
return { before - #carried, #carried }
