-- Counts the keys that an invalidation would remove in one slice of a tag's members.
-- KEYS: 1 the set; then sets whose members are not counted, because an earlier part of the request removes them
-- ARGV: 1 cursor, 2 members per slice
-- Reply: next cursor, number of keys
-- Cost: one command a member and set; 1,000 members of one set are well below a millisecond; with long names a slice has fewer
--       (lib/walk.lua).
local count, seen = 0, {}
local function is_removed_before(name)
  for i = 2, #KEYS do
    if redis.call('SISMEMBER', KEYS[i], name) == 1 then return true end
  end
  return false
end
local function read(from, number) return redis.call('SSCAN', KEYS[1], from, 'COUNT', number) end
local function visit(name)
  if not seen[name] and not is_spared(name, false) and not is_removed_before(name) then
    count = count + redis.call('EXISTS', name)
  end
  seen[name] = true
  spend(500 * #KEYS + 2 * #name)
end
local cursor = walk_step(ARGV[1], tonumber(ARGV[2]), 0, read, visit)
record_own_reads()
return { cursor, count }
