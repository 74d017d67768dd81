-- Names the sets that hold a tag's members: its own, and those that interrupted invalidations set aside.
-- KEYS: 1 the tag's set, 2 the first set aside; further ones append `:2`, `:3` to this name (same slot)
-- Reply: the names of those that exist
-- Cost: one command a set.
local sets = {}
-- A key of another type under a tag's name is a mistake that must be reported (WRONGTYPE).
if redis.call('SCARD', KEYS[1]) > 0 then sets[1] = KEYS[1] end

local aside, number = KEYS[2], 1
while redis.call('EXISTS', aside) == 1 do
  sets[#sets + 1] = aside
  number = number + 1
  aside = KEYS[2] .. ':' .. number
end
return sets
