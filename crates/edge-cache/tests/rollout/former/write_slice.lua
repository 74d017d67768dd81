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

-- Writes a slice of entries, each whole or not at all.
-- KEYS: 1 the fences; then the keys
-- ARGV: 1 '1' to overwrite what exists; 2 the stamp taken before the values were loaded, '' for values that were not;
--       3 the owner of the lock of warmups who writes this, '' for another; then per run of entries that have this in common: their number, shape, TTL in ms, tags (joined by newlines,
--       '' = none), chunks ('' or, for a manifest, the chunks' id and number), number of values each;
--       followed by their values (string: one; list: elements; hash: field, value ...; zset: score, member ...)
-- Reply: 'lost' when that lock is another's or nobody's: then nothing is written, for nobody told what was invalidated since;
--        'written', number written, number left alone because the key exists, bytes of the values written,
--        number refused by the server, its first refusal or ''; or what fences_since replies, and then nothing is written
-- Cost: in proportion to the values, one command for a string without tags; the caller keeps a slice to 1,000 entries and
--       4 MiB.
if ARGV[3] ~= '' and redis.call('GET', 'lock:cache:warmup') ~= ARGV[3] then return { 'lost' } end
local fenced = ARGV[2] ~= '' and fences_since(KEYS[1], ARGV[2])
if fenced then return fenced end

local force = ARGV[1] == '1'
local written, skipped, bytes, refused, reason = {}, 0, 0, 0, ''
local writers = { list = 'RPUSH', hash = 'HSET', zset = 'ZADD' }
local names = { unpack(KEYS, 2) }
local companions = companions_of(names)
local some_known = has_companions() and in_slices('EXISTS', companions) > 0

-- One command replaces whatever was there, or changes nothing; false where the key exists and is to be left alone.
local function set(key, value, ttl)
  if force then return redis.pcall('SET', key, value, 'PX', ttl) end
  return redis.pcall('SET', key, value, 'PX', ttl, 'NX')
end

local function fill(key, shape, ttl, first, last)
  if not force and redis.call('EXISTS', key) == 1 then return false end
  redis.call('UNLINK', key)
  for from = first, last, 4000 do
    local outcome = redis.pcall(writers[shape], key, unpack(ARGV, from, math.min(from + 3999, last)))
    if type(outcome) == 'table' and outcome.err then
      redis.call('UNLINK', key)
      return outcome
    end
  end
  return redis.pcall('PEXPIRE', key, ttl)
end

local function note(key, companion, ttl, tags, chunks)
  if some_known and redis.call('EXISTS', companion) == 1 then
    untag(key, companion, tags)
    forget({ key })
  end
  if tags ~= '' or chunks ~= '' then
    accompany(companion, ttl, 'tags', tags, 'chunks', chunks)
  end
end

local at, entry = 4, 0
while entry < #names do
  local count, shape, ttl, tags, chunks, values = tonumber(ARGV[at]), unpack(ARGV, at + 1, at + 5)
  values, at = tonumber(values), at + 6
  local tagged = {}
  for _ = 1, count do
    entry = entry + 1
    local key, first, last = names[entry], at, at + values - 1
    at = last + 1
    local outcome
    if shape == 'string' then outcome = set(key, ARGV[first], ttl) else outcome = fill(key, shape, ttl, first, last) end
    if not outcome then
      skipped = skipped + 1
    elseif type(outcome) == 'table' and outcome.err then
      refused = refused + 1
      if reason == '' then reason = outcome.err end
    else
      written[#written + 1] = key
      tagged[#tagged + 1] = key
      for i = first, last do bytes = bytes + #ARGV[i] end
      note(key, companions[entry], ttl, tags, chunks)
    end
  end
  if #tagged > 0 then tag_all(tags, ttl, unpack(tagged)) end
end
unlink(locks_of(written))
return { 'written', #written, skipped, bytes, refused, reason }
