-- Finds the first set that contains each name.
-- KEYS: the sets
-- ARGV: the names
-- Reply: one for each name: the number of the set, counted from 1, or 0 for none
-- Cost: at most one command for each name and set.
local function first_set_of(name)
  for number, set in ipairs(KEYS) do
    if redis.call('SISMEMBER', set, name) == 1 then return number end
  end
  return 0
end

local first_sets = {}
for i, name in ipairs(ARGV) do first_sets[i] = first_set_of(name) end
return first_sets
