-- Removes names from a tag's set whose keys are gone. To look and to remove in one step is what keeps a key in its tag that is
-- written meanwhile.
-- KEYS: 1 the tag's set
-- ARGV: the names, up to 1,000
-- Reply: number of names removed
-- Cost: one EXISTS a name; 1,000 are well below a millisecond.
local dead = {}
for _, name in ipairs(ARGV) do
  if redis.call('EXISTS', name) == 0 then dead[#dead + 1] = name end
end
return #dead > 0 and redis.call('SREM', KEYS[1], unpack(dead)) or 0
