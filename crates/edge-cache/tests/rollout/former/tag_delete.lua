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

-- Removes a slice of a tag's keys. The first slice takes the tag's members aside, so that keys tagged from then on belong to a
-- new set. What interrupted invalidations left aside stays, and its turn comes too: sets aside are numbered, not merged, which
-- would take as long as they are large.
-- KEYS: 1 the tag's set, 2 the first set aside; further ones have `:2`, `:3` behind this name (same slot)
-- ARGV: 1 how many members a slice has, 2 the cursor; '' for the first slice
-- Reply: next cursor, number of keys removed, number of members left in all sets aside
-- Cost: a few commands over all members of the slice; 1,000 take 2 to 6 ms (two shared cores). No name leaves the server.
local set, slice, cursor = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local function nth(n) return n == 1 and KEYS[2] or KEYS[2] .. ':' .. n end
local last = 0
while redis.call('EXISTS', nth(last + 1)) == 1 do last = last + 1 end
if cursor == '' then
  cursor = '0'
  -- Another type under a tag's name is a mistake to be reported (WRONGTYPE), no set is a tag without members.
  if redis.call('SCARD', set) > 0 then
    last = last + 1
    redis.call('RENAME', set, nth(last))
    redis.call('PERSIST', nth(last))
  end
end
if last == 0 then return { '0', 0, 0 } end
local aside = nth(last)

-- All of a set that is no larger than a slice, whatever a single step makes of it.
local function step()
  local reply = redis.call('SSCAN', aside, cursor, 'COUNT', slice)
  cursor = reply[1]
  return reply[2]
end
local members = step()
while cursor ~= '0' and #members < slice do
  for _, name in ipairs(step()) do members[#members + 1] = name end
end

release_loads(members)
forget(members)
local removed = unlink(members)
in_slices('SREM', members, aside)
local left = 0
for n = 1, last do left = left + redis.call('SCARD', nth(n)) end
return { cursor, removed, left }
