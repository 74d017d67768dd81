-- A script of old instances.
local carried = {}
for _, name in ipairs(KEYS) do
  local dump = redis.call('DUMP', name)
  if dump then carried[#carried + 1] = { name, math.max(redis.call('PTTL', name), 0), dump } end
end
local before = redis.call('DBSIZE')
redis.call('FLUSHDB', 'ASYNC')
for _, key in ipairs(carried) do redis.call('RESTORE', key[1], key[2], key[3]) end
if redis.call('EXISTS', 'lock:cache:warmup') == 1 then first_fence('cache:fences', '8589934592', 'pattern', '*') end
return { before - #carried, #carried }
