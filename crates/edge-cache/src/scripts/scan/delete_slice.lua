-- Removes what matches in one slice of the keyspace, atomically for the slice.
-- ARGV: 1 cursor, 2 the pattern's head, 3 its packed parts, 4 how many keys to visit at most, 5 '1' if the pattern names cache:* or lock:*
-- Reply: next cursor, number of keys removed that count (lib/protected.lua), then the names that a Cluster's node did not remove
-- Cost: a slice of 1,000 keys that all go takes one to two milliseconds; with long names it visits fewer (lib/walk.lua). No name leaves the
--       server.

local fits, weight = matcher(ARGV[3])
local names, counted, seen = {}, 0, {}
local function visit(name)
  if seen[name] or not fits(name) or is_spared(name, ARGV[5] == '1') then return end
  seen[name] = true
  names[#names + 1] = name
  if is_counted(name) then counted = counted + 1 end
  spend(500 + 2 * #name)
end
local cursor = walk_keyspace(ARGV[1], ARGV[2], '', tonumber(ARGV[4]), weight, visit)
unlink(names)
for _, name in ipairs(refused) do
  if is_counted(name) then counted = counted - 1 end
end
return { cursor, counted, refused }
