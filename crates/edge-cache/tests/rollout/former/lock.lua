-- Stands before scripts that take, prolong and give back the right to load a key. The locks held are named in a set, where an
-- invalidation by tag finds them. It lives at least as long as they do; without it no load that is in flight may store.
local function hold(life)
  if redis.call('PTTL', 'cache:loading') < tonumber(life) then redis.call('PEXPIRE', 'cache:loading', life) end
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('SREM', 'cache:loading', lock)
end

-- Prolongs or releases a lock, if it is still ours.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 milliseconds to prolong by, or '0' to release
-- Reply: 1 when it was ours, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  release(KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  hold(ARGV[2])
end
return 1
