-- Adds to counters of a hash. Of each 'what' so many modules are counted by name, the rest as 'overflow'.
-- KEYS: 1 the hash
-- ARGV: 1 most modules, then per counter two: its name, 'module:what', and how many
-- Reply: number of counters
-- Cost: constant per counter; where one is not there yet, once a look over the names of all.
local room, modules = tonumber(ARGV[1]), nil
local function what_of(field) return string.match(field, '[^:]*$') end

local function has_room(what)
  if not modules then
    modules = {}
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
      modules[what_of(field)] = (modules[what_of(field)] or 0) + 1
    end
  end
  modules[what] = (modules[what] or 0) + 1
  return modules[what] <= room
end

for i = 2, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 and not has_room(what_of(field)) then
    field = 'overflow:' .. what_of(field)
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
return redis.call('HLEN', KEYS[1])
