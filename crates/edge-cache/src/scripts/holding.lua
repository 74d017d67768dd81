-- Stands before scripts that take, prolong and give back the right to load a key. The locks held are named in a set, where an
-- invalidation by tag finds them. It lives at least as long as they do; without it no load that is in flight may store.
local function hold(life)
  if redis.call('PTTL', 'cache:loading') < tonumber(life) then redis.call('PEXPIRE', 'cache:loading', life) end
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('SREM', 'cache:loading', lock)
end

