-- Reads the names that match in one slice of a job's walk.
-- ARGV: 1 cursor, 2 the head for SCAN, 3 the most keys to visit; the conditions: 4 type or '', 5 to 8 as 2 to 5 of meet.lua; then the packed
--       parts of the patterns
-- Reply: next cursor, number of keys visited, number of names whose conditions this node could not test, these, then the names
-- Cost: a slice of 1,000 keys is about a millisecond; with conditions or long names it visits fewer (lib/walk.lua).
local has_conditions = ARGV[5] .. ARGV[6] .. ARGV[7] .. ARGV[8] ~= ''
local meets = has_conditions and conditions_of('', ARGV[5], ARGV[6], ARGV[7], ARGV[8])
local is_covered, weight = names_covered(9)

local names, untested, seen = {}, {}, {}
local function visit(name)
  if seen[name] or not is_covered(name) then return end
  seen[name] = true
  if meets then
    spend(3000)
    local met = meets(name)
    if met == nil then untested[#untested + 1] = name end
    if not met then return end
  end
  names[#names + 1] = name
end
local following, walked = walk_keyspace(ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[3]), weight, visit)
record_own_reads()
return { following, walked, #untested, untested, names }
