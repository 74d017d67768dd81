-- Stands before scripts that take, prolong and give back the right to load a key. Which locks are held, and until when, is
-- kept in a sorted set, where invalidations find them.
local function from_now(life)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + life
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('ZREM', 'cache:loading', lock)
end

