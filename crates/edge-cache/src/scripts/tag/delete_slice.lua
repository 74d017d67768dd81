-- Removes a slice of a tag's keys, and their load locks: a load in flight does not know the tags that another client gave its key. The first slice sets the tag's members aside, so that keys tagged from then on belong to a new set.
-- Interrupted invalidations leave sets aside; these are removed, too. Sets aside are numbered rather than merged, because merging takes time
-- in proportion to their size.
-- KEYS: 1 the tag's set, 2 the first set aside; further ones have `:2`, `:3` behind this name (same slot)
-- ARGV: 1 members per slice; 2 the cursor, '' for the first slice; 3 '1': KEYS[2] is the only set aside to read, whatever its number, and
--       nothing is set aside; 4 '1' on a Cluster, where the keys are in other slots: all are left to the caller
-- Reply: next cursor, number of keys removed, number of members left in the sets aside, the name of the set that was read; then members
--        that were not removed: only the caller can name their load locks, or they are in other slots
-- Cost: a few commands for all members of the slice; 1,000 take 2 to 6 ms (two shared cores); with long names a slice has fewer
--       (lib/walk.lua).
local set, slice, cursor, is_alone = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local function nth(n) return n == 1 and KEYS[2] or KEYS[2] .. ':' .. n end
local last = 0
while redis.call('EXISTS', nth(last + 1)) == 1 do
  last = last + 1
  if is_alone then break end
end

if cursor == '' then
  cursor = '0'
  -- Another type under a tag's name is an error (WRONGTYPE); a missing set is a tag without members.
  if redis.call('SCARD', set) > 0 then
    last = last + 1
    redis.call('RENAME', set, nth(last))
    redis.call('PERSIST', nth(last))
  end
end
if last == 0 then return { '0', 0, 0, '' } end
local aside = nth(last)

-- A set no larger than a slice is read whole, however few members one SSCAN returns. Another client may have added a protected key: it
-- leaves the set and stays.
local members, names, locks, unnamed, seen = {}, {}, {}, {}, {}
local function read(from, count) return redis.call('SSCAN', aside, from, 'COUNT', count) end
local function visit(name)
  if seen[name] then return end
  seen[name] = true
  spend(500 + 10 * #name)
  if is_spared(name, false) then
    members[#members + 1] = name
    return
  end
  local lock = ARGV[4] ~= '1' and lock_of(name)
  if not lock then
    unnamed[#unnamed + 1] = name
    return
  end
  members[#members + 1] = name
  names[#names + 1] = name
  locks[#locks + 1] = lock
end
repeat cursor = walk_step(cursor, slice, 0, read, visit) until cursor == '0' or #members + #unnamed >= slice or is_over()

unlink(locks)
local removed = unlink(names)
in_slices('SREM', members, aside)
local left = 0
for n = 1, last do left = left + redis.call('SCARD', nth(n)) end
return { cursor, removed, left, aside, unpack(unnamed) }
