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

-- Stands before scripts that begin a stream of fences. Its first one has a number of its own: those that Redis gives start at 0 within
-- each millisecond, and one of an earlier stream, which a load may have for its stamp, must not come again.
local function first_fence(fences, number, kind, what)
  -- The time is in the number that Redis gives; asking for it with TIME is a right that users seldom have.
  local milliseconds = string.match(redis.call('XADD', fences, '*', kind, what), '^%d+')
  return redis.call('XADD', fences, milliseconds .. '-' .. number, kind, what)
end

-- Stands before scripts that begin a load: the newest fence, which whoever stores what was loaded must show. Where there is none one
-- is made: a server that evicts may take them all, and a stamp that no fence has is known to be older than what has come since.
local function stamp(fences)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or first_fence(fences, '4294967296', 'begin', '')
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

-- Takes the right to load a key, with the stamp that fences what will be stored.
-- KEYS: 1 the lock, 2 the fences, 3 the TTL overrides, 4 the key, 5 its companion
-- ARGV: 1 the owner's random value, 2 the lease in ms, 3 which writing of the value the caller has seen
-- Reply: 1 when it was taken, 0 when another has it, 2 when the value was written since the caller looked; for 1 follow
--        the stamp, the number of the load, then the overrides: prefix, seconds, ...
-- Cost: constant.
-- Another load may have ended between the caller's look and now: its value is as good as a new one.
local writing = there(KEYS[4]) and (redis.call('HGET', KEYS[5], 'writing') or 'unknown') or ''
if writing ~= ARGV[3] then return { 2 } end
local other = redis.call('SRANDMEMBER', 'cache:loading')
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 0 } end
-- Locks of callers that died end by themselves; to look at one of all a load keeps up with them.
if other and redis.call('EXISTS', other) == 0 then redis.call('SREM', 'cache:loading', other) end
redis.call('SADD', 'cache:loading', KEYS[1])
hold(ARGV[2])
local reply = { 1, stamp(KEYS[2]), turn() }
for _, part in ipairs(redis.call('HGETALL', KEYS[3])) do reply[#reply + 1] = part end
return reply
