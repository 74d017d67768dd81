-- Stands before scripts that remove keys or write them anew: what belongs to a key goes with it, its companion and the
-- chunks of a value stored in several.
local function unlink(names)
  local removed = 0
  -- Lua can spread only so many values over a call.
  for first = 1, #names, 1000 do
    removed = removed + redis.call('UNLINK', unpack(names, first, math.min(first + 999, #names)))
  end
  return removed
end

local function within(prefix, names)
  local made = {}
  for i, name in ipairs(names) do made[i] = prefix .. name .. '}' end
  return made
end
local function companions_of(names) return within('cache:meta:{', names) end
local function locks_of(names) return within('lock:{', names) end

local function any_exists(names)
  for first = 1, #names, 1000 do
    if redis.call('EXISTS', unpack(names, first, math.min(first + 999, #names))) > 0 then return true end
  end
  return false
end

local function forget(names)
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

