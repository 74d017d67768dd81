-- Stands before scripts that look for what often is not there. The server counts a name that is looked for in vain as a miss, and
-- operators judge a cache by its misses; MEMORY USAGE is not counted. It also knows names whose time is over, and a user may not be
-- allowed to ask it: what it does not deny is looked for.
local function may_be_there(name) return redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', 1) end
local function there(name) return may_be_there(name) and redis.call('EXISTS', name) == 1 end

-- Stands before scripts that take, prolong and give back the right to load a key. The locks held are named in a set, where an
-- invalidation by tag finds them. It lives at least as long as they do; without it no load that is in flight may store.
local function hold(life)
  if redis.call('PTTL', 'cache:loading') < tonumber(life) then redis.call('PEXPIRE', 'cache:loading', life) end
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('SREM', 'cache:loading', lock)
end

-- Stands before scripts that put loads and the callers who wait for them in order: a number higher than all before it, 0 where
-- none can be had. It is that of an entry of a stream, so the time at least: a server that has lost the last numbers (a replica that
-- took over, one started from an older file) gives none of them again. Among more than 4,096 in a millisecond some are equal.
local function turn()
  local id = redis.pcall('XADD', 'cache:turns', 'MAXLEN', 1, '*', 'turn', '')
  if type(id) ~= 'string' then return 0 end
  local milliseconds, nth = string.match(id, '^(%d+)-(%d+)$')
  return milliseconds * 4096 + math.min(nth, 4095)
end

-- Stands before scripts that end a load: callers who wait have its value also where it is not kept, or not until they look again.
-- Those may have it whose number is below the given one, without one all who wait now. An earlier result that more of them may have
-- stays. What is larger than 1 MiB is not there twice.
local function hand_over(waiting, below, value)
  if value == '' or #value > 1048576 or not may_be_there(waiting) then return end
  below = below or turn()
  local earlier = redis.pcall('GETRANGE', waiting, 0, 20)
  if type(earlier) ~= 'string' or (tonumber(string.match(earlier, '^%d+')) or 0) > below then return end
  redis.pcall('SET', waiting, string.format('%.0f\n', below) .. value, 'PX', 3000)
end

-- Hands what was loaded to callers who waited when the load began, and releases its lock, if it is still ours.
-- KEYS: 1 the lock, 2 what callers wait at
-- ARGV: 1 the owner's random value, 2 the number of the load, 3 the value, or '' for one that is too large
-- Reply: 1
-- Cost: constant but for the value's size.
hand_over(KEYS[2], tonumber(ARGV[2]) or 0, ARGV[3])
if redis.pcall('GET', KEYS[1]) == ARGV[1] then release(KEYS[1]) end
return 1
