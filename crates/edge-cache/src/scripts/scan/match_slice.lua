-- Finds the names that match in one slice of the keyspace.
-- ARGV: 1 cursor, 2 the pattern's head, 3 its packed parts, 4 how many keys to visit at most, 5 what is left out: '' nothing, 'trail' what
--       no removal takes, 'management' what a removal takes only if it is named; 6 type or '', 7 how many names to return at most,
--       8 how many bytes of names; then, where there are conditions besides the type, 9 to 12 as 2 to 5 of meet.lua
-- Reply: next cursor, number of matches, number of names whose conditions this node could not test, these, then up to that many names
-- Cost: a slice of 1,000 keys is below a millisecond; with conditions or long names it visits fewer (lib/walk.lua).
local fits, weight = matcher(ARGV[3])
local meets = #ARGV > 8 and conditions_of('', ARGV[9], ARGV[10], ARGV[11], ARGV[12])
local left_out = ARGV[5]
local max_names = tonumber(ARGV[7])
local bytes_left = tonumber(ARGV[8])
local matched, names, untested, seen = 0, {}, {}, {}
local function visit(name)
  if seen[name] or not fits(name) then return end
  if left_out ~= '' and (is_spared(name, left_out == 'trail') or not is_counted(name)) then return end
  seen[name] = true
  if meets then
    spend(3000)
    local met = meets(name)
    if met == nil then untested[#untested + 1] = name end
    if not met then return end
  end
  matched = matched + 1
  if #names < max_names and bytes_left > 0 then
    names[#names + 1] = name
    bytes_left = bytes_left - #name
  end
end
local cursor = walk_keyspace(ARGV[1], ARGV[2], ARGV[6], tonumber(ARGV[4]), weight, visit)
record_own_reads()
return { cursor, matched, #untested, untested, names }
