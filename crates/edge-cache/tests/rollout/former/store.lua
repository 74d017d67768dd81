-- Stands before the scripts that store what was loaded.
-- Whether an invalidation has come since a stamp: nothing if none has; else a reply of 'fenced', the newest stamp, then per
-- invalidation two: its kind ('pattern', 'tag', 'key' or 'unknown') and what it named.
local function fences_since(fences, stamp)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  local newest = last[1] and last[1][1] or '0-0'
  if newest == stamp then return nil end
  local reply = { 'fenced', newest }
  local entries = redis.call('XRANGE', fences, stamp, '+')
  local complete = entries[1] and entries[1][1] == stamp
  -- Some have been trimmed or evicted already: they may have meant this key.
  if not complete then reply[3] = 'unknown'; reply[4] = '' end
  for _, entry in ipairs(entries) do
    if entry[1] ~= stamp then
      reply[#reply + 1] = entry[2][1]
      reply[#reply + 1] = entry[2][2]
    end
  end
  return reply
end

-- Stands before scripts that look for what often is not there. The server counts a name that is looked for in vain as a miss, and
-- operators judge a cache by its misses; MEMORY USAGE is not counted. It also knows names whose time is over, and a user may not be
-- allowed to ask it: what it does not deny is looked for.
local function may_be_there(name) return redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', 1) end
local function there(name) return may_be_there(name) and redis.call('EXISTS', name) == 1 end

-- Stands before scripts that remove keys or write them anew: what belongs to a key goes with it, its companion and the
-- chunks of a value stored in several.
local function in_slices(command, names, key)
  local sum = 0
  -- Lua can spread only so many values over a call.
  for first = 1, #names, 1000 do
    local last = math.min(first + 999, #names)
    if key then
      sum = sum + redis.call(command, key, unpack(names, first, last))
    else
      sum = sum + redis.call(command, unpack(names, first, last))
    end
  end
  return sum
end
local function unlink(names) return in_slices('UNLINK', names) end

local function within(prefix, names)
  local made = {}
  for i = 1, #names do made[i] = prefix .. names[i] .. '}' end
  return made
end
local function companions_of(names) return within('cache:meta:{', names) end
local function locks_of(names) return within('lock:{', names) end

-- Whether the database has companions at all. Looking each of them up takes as long as removing a key, and where other
-- clients keep the keys and their tags there are none. GET, unlike EXISTS, counts as a use where the server evicts. Another
-- application's key of this name, of whatever type, stops nothing.
local function has_companions() return redis.pcall('GET', 'cache:meta') ~= false end

-- Writes a companion's fields.
local function accompany(companion, life, ...)
  if not has_companions() then redis.call('SET', 'cache:meta', 1) end
  redis.call('HSET', companion, 'life', life, ...)
  redis.call('PEXPIRE', companion, life)
end

-- What a companion says, or '': it may be another client's, and of any type.
local function fact(companion, field)
  local said = redis.pcall('HGET', companion, field)
  return type(said) == 'string' and said or ''
end

-- A value written anew has its new tags only. Whoever writes it gives it those in the same script, because another may have taken
-- it out of their sets since they were added.
local function untag(key, companion, tags)
  if not may_be_there(companion) then return end
  for tag in string.gmatch(fact(companion, 'tags'), '[^\n]+') do
    local kept = string.find('\n' .. tags .. '\n', '\n' .. tag .. '\n', 1, true)
    if not kept then redis.pcall('SREM', 'cache:tags:' .. tag, key) end
  end
end

local function forget(names)
  if not has_companions() then return end
  local companions, chunks = companions_of(names), {}
  -- Whether values have chunks is looked up only where the database has any. GET counts as a use, here too.
  if may_be_there('cache:chunked') and redis.pcall('GET', 'cache:chunked') ~= false then
    for i, name in ipairs(names) do
      local id, count = string.match(fact(companions[i], 'chunks'), '^(%w+) (%d%d?%d?)$')
      for n = 1, tonumber(count or 0) do chunks[#chunks + 1] = 'cache:chunk:{' .. name .. '}:' .. id .. ':' .. n end
    end
  end
  unlink(companions)
  unlink(chunks)
end

-- Loads of these keys that are in flight are not stored: their locks go. A key may have a tag that its load does not know of, and
-- who asks for it next need not wait for that load. Loads are few: their locks are looked for among the names, unless there are
-- more of them.
local function release_loads(names)
  local count = redis.pcall('SCARD', 'cache:loading')
  if count == 0 then return end
  if type(count) ~= 'number' or count > #names then
    unlink(locks_of(names))
    return
  end
  local meant, held = {}, {}
  for _, name in ipairs(names) do meant[name] = true end
  for _, lock in ipairs(redis.call('SMEMBERS', 'cache:loading')) do
    if meant[string.sub(lock, 7, -2)] then held[#held + 1] = lock end
  end
  unlink(held)
end

-- Stands before scripts that take, prolong and give back the right to load a key. The locks held are named in a set, where an
-- invalidation by tag finds them. It lives at least as long as they do; without it no load that is in flight may store.
local function hold(life)
  if redis.call('PTTL', 'cache:loading') < tonumber(life) then redis.call('PEXPIRE', 'cache:loading', life) end
end
local function release(lock)
  redis.call('UNLINK', lock)
  redis.call('SREM', 'cache:loading', lock)
end

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

-- Stores a loaded value, if no invalidation has come since its load began.
-- KEYS: 1 the key, 2 its companion, 3 its lock, 4 the fences, 5 what callers wait at
-- ARGV: 1 the owner's random value, 2 the stamp taken before the load, 3 whole life in ms, 4 grace in ms,
--       5 load time in ms, 6 tags joined by newlines, 7 the value,
--       8 '' or, for a value stored in chunks, their id and number ('id 3'); the value is then their manifest
-- Reply: 'stored'; 'lost' when the lock is not ours any more (its lease ended, or the key was invalidated);
--        or what fences_since replies. The caller looks whether one of them means this key, and stores with the newer
--        stamp if not.
-- Cost: constant but for the value's size, and a command or two a tag.
if redis.call('GET', KEYS[3]) ~= ARGV[1] or redis.call('SISMEMBER', 'cache:loading', KEYS[3]) == 0 then return { 'lost' } end

local fenced = fences_since(KEYS[4], ARGV[2])
if fenced then return fenced end

-- The first change of a script is the one that a full server refuses.
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[3])
untag(KEYS[1], KEYS[2], ARGV[6])
forget({ KEYS[1] })
accompany(KEYS[2], ARGV[3], 'grace', ARGV[4], 'load', ARGV[5], 'tags', ARGV[6], 'chunks', ARGV[8], 'writing', ARGV[1])
tag_all(ARGV[6], ARGV[3], KEYS[1])
release(KEYS[3])
-- Whoever waits now may have it, whatever comes before they look again.
if ARGV[8] == '' then hand_over(KEYS[5], nil, ARGV[7]) end
return { 'stored' }
