-- A script of old instances.
if redis.call('EXISTS', 'lock:cache:warmup') == 1 then
  for _, name in ipairs(KEYS) do fence('cache:fences', 'key', name) end
end
unlink(locks_of(KEYS))
forget(KEYS)
local removed = {}
for i, name in ipairs(KEYS) do removed[i] = redis.call('UNLINK', name) end
return removed
