-- A part of the scripts of old instances.
local function in_slices(command, names, key)
  local sum = 0
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
local function has_companions() return redis.pcall('GET', 'cache:meta') ~= false end
local function accompany(companion, life, ...)
  if not has_companions() then redis.call('SET', 'cache:meta', 1) end
  redis.call('HSET', companion, 'life', life, ...)
  redis.call('PEXPIRE', companion, life)
end
local function fact(companion, field)
  local said = redis.pcall('HGET', companion, field)
  return type(said) == 'string' and said or ''
end
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
  if may_be_there('cache:chunked') and redis.pcall('GET', 'cache:chunked') ~= false then
    for i, name in ipairs(names) do
      local id, count = string.match(fact(companions[i], 'chunks'), '^(%w+) (%d%d?%d?)$')
      for n = 1, tonumber(count or 0) do chunks[#chunks + 1] = 'cache:chunk:{' .. name .. '}:' .. id .. ':' .. n end
    end
  end
  unlink(companions)
  unlink(chunks)
end
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
