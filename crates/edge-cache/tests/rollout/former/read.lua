-- Stands before scripts that look for what often is not there. The server counts a name that is looked for in vain as a miss, and
-- operators judge a cache by its misses; MEMORY USAGE is not counted. It also knows names whose time is over, and a user may not be
-- allowed to ask it: what it does not deny is looked for.
local function may_be_there(name) return redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', 1) end
local function there(name) return may_be_there(name) and redis.call('EXISTS', name) == 1 end

-- Stands before scripts that give a key a tag. The tag's set then lives at least as long as the key, and no longer than its
-- longest-lived one. Number of names that are new in the set, or the server's refusal.
local function tag(set, life, ...)
  local before = redis.call('PTTL', set)
  local added = redis.pcall('SADD', set, ...)
  -- A set that another client keeps for ever (-1) stays so; a new one (-2) or one that would end too early is prolonged.
  if type(added) == 'number' and before ~= -1 and before < tonumber(life) then redis.call('PEXPIRE', set, life) end
  return added
end

-- The same for all of a key's tags, joined by newlines.
local function tag_all(tags, life, ...)
  for name in string.gmatch(tags, '[^\n]+') do tag('cache:tags:' .. name, life, ...) end
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

-- Reads a cached value with what is known of its age.
-- KEYS: 1 the key, 2 its companion, 3 its lock; from callers who wait for a load: 4 what they wait at
-- ARGV: 1 milliseconds that the set of a tag lives whose key does not expire; 2 the number of the caller who waits, '' at first
-- Reply: the value or nil, PTTL (-2: no such key), whole life in ms, grace in ms, load time in ms ('' where unknown),
--        1 when the lock is held (else 0, and where the value is fresh: who has one need not know), which writing of the value
--        this is ('' where there is none); to callers who wait their number, and the value of a load that they may have
--        ('' where there is none)
-- Cost: constant but for the value's size, and one command a tag.
local value = redis.pcall('GET', KEYS[1])
local left = value and redis.call('PTTL', KEYS[1]) or -2
-- A key of another type is no cached value.
if type(value) == 'table' then value = false end
local facts = {}
if left ~= -2 and may_be_there(KEYS[2]) then
  facts = redis.pcall('HMGET', KEYS[2], 'life', 'grace', 'load', 'writing', 'tags')
  if facts.err then facts = {} end
end
local writing = left ~= -2 and (facts[4] or 'unknown') or ''
-- To look into a tag's set counts as a use of it: a server that evicts does not take it before the keys that need it. One that
-- was taken all the same knows the key again.
for name in string.gmatch(facts[5] or '', '[^\n]+') do
  local set = 'cache:tags:' .. name
  if redis.pcall('SISMEMBER', set, KEYS[1]) == 0 then tag(set, left >= 0 and left or ARGV[1], KEYS[1]) end
end
local fresh = value and (left == -1 or left > (tonumber(facts[2] or 0) or 0))
local locked = not fresh and there(KEYS[3])
local reply = { value, left, facts[1] or '', facts[2] or '', facts[3] or '', locked and 1 or 0, writing }
if not KEYS[4] then return reply end

local number, found = tonumber(ARGV[2]) or turn(), ''
local handed = not fresh and may_be_there(KEYS[4]) and redis.pcall('GETRANGE', KEYS[4], 0, 20)
if type(handed) == 'string' and handed ~= '' then
  local below = string.match(handed, '^(%d+)\n')
  if below and number > 0 and number < tonumber(below) then found = redis.call('GETRANGE', KEYS[4], #below + 1, -1) end
elseif not fresh and redis.call('PTTL', KEYS[4]) < 1500 then
  redis.pcall('SET', KEYS[4], '', 'PX', 3000)
end
reply[8] = number > 0 and string.format('%.0f', number) or ''
reply[9] = found
return reply
