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

-- Stands before scripts that walk over the keyspace: whether a name is left out. `what` is 'management' (cache:*, lock:*), 'trail'
-- (the audit trail, where it is in this database), or '' (none is).
local function spared(name, what)
  if what == 'management' then return string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:' end
  return what == 'trail' and name == 'cache:audit'
end

-- Stands before scripts that tell loads in flight of an invalidation: they must not store what they have read before it. A full
-- server refuses to grow only until a script has removed a name, there or not, and must not refuse this: the removal that follows
-- makes room, and those loads could store.
local function fence(fences, kind, what)
  redis.call('DEL', 'cache:none')
  return redis.call('XADD', fences, 'MAXLEN', '~', 1000, '*', kind, what)
end

-- Removes what matches in one slice of the keyspace, atomically for the slice.
-- KEYS: 1 the fences
-- ARGV: 1 cursor, 2 pattern, 3 COUNT, 4 what is spared, 5 '1' to let loads in flight know
-- Reply: next cursor, number of matches, number of keys removed
-- Cost: about COUNT keys visited and the matches unlinked; 1,000 are about a millisecond. No name leaves the server.
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local doomed = {}
for _, name in ipairs(reply[2]) do
  if not spared(name, ARGV[4]) then doomed[#doomed + 1] = name end
end

-- First: where it is refused nothing has been removed.
if ARGV[5] == '1' then fence(KEYS[1], 'pattern', ARGV[2]) end
release_loads(doomed)
forget(doomed)
return { reply[1], #doomed, unlink(doomed) }
