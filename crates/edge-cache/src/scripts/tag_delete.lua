-- Removes a slice of a tag's keys. The first slice takes the tag's members aside, so that keys tagged from then on belong to a
-- new set. What interrupted invalidations left aside stays, and its turn comes too: sets aside are numbered, not merged, which
-- would take as long as they are large.
-- KEYS: 1 the tag's set, 2 the first set aside; further ones have `:2`, `:3` behind this name (same slot)
-- ARGV: 1 the tag, 2 how many members a slice has, 3 the cursor; '' for the first slice
-- Reply: next cursor, number of keys removed, number of members left in all sets aside
-- Cost: a few commands over all members of the slice, one more a member where the database has companions; 1,000 take 2 to 6 ms
--       (two shared cores). No name leaves the server.
local set, slice, cursor = KEYS[1], tonumber(ARGV[2]), ARGV[3]
local function nth(n) return n == 1 and KEYS[2] or KEYS[2] .. ':' .. n end
local last = 0
while redis.call('EXISTS', nth(last + 1)) == 1 do last = last + 1 end
if cursor == '' then
  cursor = '0'
  -- Another type under a tag's name is a mistake to be reported (WRONGTYPE), no set is a tag without members.
  if redis.call('SCARD', set) > 0 then
    last = last + 1
    redis.call('RENAME', set, nth(last))
    redis.call('PERSIST', nth(last))
  end
end
if last == 0 then return { '0', 0, 0 } end
local aside = nth(last)

-- A load in flight of a key that another client tagged does not know of the tag's fence: its lock goes, so that it does not
-- store what it read before. Loads are few: their locks are looked for among the names, unless there are more of them.
local function release_loads(names)
  local count = redis.call('SCARD', 'cache:loading')
  if count == 0 then return end
  if count > #names then
    unlink(locks_of(names))
    return
  end
  local meant, held = {}, {}
  for _, name in ipairs(names) do meant[name] = true end
  for _, lock in ipairs(redis.call('SMEMBERS', 'cache:loading')) do
    if meant[string.sub(lock, 7, -2)] then held[#held + 1] = lock end
  end
  unlink(held)
end

-- All of a set that is no larger than a slice, whatever a single step makes of it.
local function step()
  local reply = redis.call('SSCAN', aside, cursor, 'COUNT', slice)
  cursor = reply[1]
  return reply[2]
end
local members = step()
while cursor ~= '0' and #members < slice do
  for _, name in ipairs(step()) do members[#members + 1] = name end
end

local doomed = members
if has_companions() then
  doomed = {}
  local wanted = '\n' .. ARGV[1] .. '\n'
  for i, companion in ipairs(companions_of(members)) do
    local tags = redis.pcall('HGET', companion, 'tags')
    -- A key that another client tagged has no companion, and is taken at the set's word. One that was written again without
    -- the tag stays.
    local has = type(tags) ~= 'string' or string.find('\n' .. tags .. '\n', wanted, 1, true)
    if has then doomed[#doomed + 1] = members[i] end
  end
end
release_loads(doomed)
forget(doomed)
local removed = unlink(doomed)
in_slices('SREM', members, aside)
local left = 0
for n = 1, last do left = left + redis.call('SCARD', nth(n)) end
return { cursor, removed, left }
