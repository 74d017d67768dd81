-- Adds to the counters of a hash. Each kind of counter is kept for so many modules; further modules are counted as 'overflow'.
-- KEYS: 1 the hash, 2 a key that never exists
-- ARGV: 1 how many modules, then for each counter its field, 'module:kind', and how much to add
-- Reply: number of fields
-- Cost: constant per counter; if a field is new, one read of all field names.
local max_modules = tonumber(ARGV[1])
local modules_of
local function kind_of(field) return string.match(field, '[^:]*$') end

local function has_room(kind)
  if not modules_of then
    modules_of = {}
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
      modules_of[kind_of(field)] = (modules_of[kind_of(field)] or 0) + 1
    end
  end
  modules_of[kind] = (modules_of[kind] or 0) + 1
  return modules_of[kind] <= max_modules
end

-- Redis refuses to grow a full database until the script has deleted a name. Counters are few, and they show that it is full.
redis.call('DEL', KEYS[2])
for i = 2, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 and not has_room(kind_of(field)) then
    field = 'overflow:' .. kind_of(field)
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
return redis.call('HLEN', KEYS[1])
