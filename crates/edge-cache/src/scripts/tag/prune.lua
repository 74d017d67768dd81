-- Removes dead members from a tag's set: names whose keys are gone. Checking and removing in one script keeps a key that is written
-- meanwhile in its tag.
-- KEYS: 1 the tag's set
-- ARGV: the names, up to 1,000
-- Reply: number of names removed
-- Cost: one EXISTS a name; 1,000 are well below a millisecond.
local dead = {}
for _, name in ipairs(ARGV) do
  if redis.call('EXISTS', name) == 0 then dead[#dead + 1] = name end
end
record_own_reads()
if #dead == 0 then return 0 end
return redis.call('SREM', KEYS[1], unpack(dead))
