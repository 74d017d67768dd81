-- A part of the scripts of old instances.
local function hold(life)
  if redis.call('PTTL', 'cache:loading') < tonumber(life) then redis.call('PEXPIRE', 'cache:loading', life) end
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('SREM', 'cache:loading', lock)
end
