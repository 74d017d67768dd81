-- Stands before scripts that remove keys or write them anew: what belongs to a key goes with it, its companion, the lock of
-- who loads it, and the chunks of a value stored in several.
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

-- Whether the database has companions at all. Looking each of them up takes as long as removing a key, and where other
-- clients keep the keys and their tags there are none.
local function has_companions() return redis.call('EXISTS', 'cache:meta') == 1 end

-- Writes a companion's fields.
local function accompany(companion, life, ...)
  if not has_companions() then redis.call('SET', 'cache:meta', 1) end
  redis.call('HSET', companion, 'life', life, ...)
  redis.call('PEXPIRE', companion, life)
end

-- Takes the locks from those who load these keys, so that they do not store what they read before. Loads are few: the locks
-- held are looked for among the names, unless there are more of them.
local function unlock(names)
  local count = redis.call('ZCARD', 'cache:loading')
  if count == 0 then return end
  if count > #names then
    unlink(within('lock:{', names))
    return
  end
  local meant, held = {}, {}
  for _, name in ipairs(names) do meant[name] = true end
  for _, lock in ipairs(redis.call('ZRANGE', 'cache:loading', 0, -1)) do
    if meant[string.sub(lock, 7, -2)] then held[#held + 1] = lock end
  end
  unlink(held)
end

local function forget(names)
  if not has_companions() then return end
  local companions, chunks = companions_of(names), {}
  -- Whether values have chunks is looked up only where the database has any.
  if redis.call('EXISTS', 'cache:chunked') == 1 then
    for i, name in ipairs(names) do
      local id, count = string.match(redis.pcall('HGET', companions[i], 'chunks') or '', '^(%w+) (%d+)$')
      for n = 1, tonumber(count or 0) do chunks[#chunks + 1] = 'cache:chunk:{' .. name .. '}:' .. id .. ':' .. n end
    end
  end
  unlink(companions)
  unlink(chunks)
end

