-- Stores a loaded value, unless there is a fence after its stamp.
-- KEYS: 1 the key, 2 its lock, 3 the fences, 4 the key's value for waiters, 5 the order of loads and waiters, 6 the list that holds the
--       value's chunks, or the key again; 7 the counter of its module's negative results, or the key again; then its tags' sets; then
--       those of the tags that the value before had and this one has not
-- ARGV: 1 the owner's random value, 2 the load's stamp, '' where the caller checks the fences itself, 3 TTL and grace together in ms, 4 the value with its trailer, '' if it is in chunks,
--       5 how many tags it has, 6 for a negative result: how many of them the module may store within the life of one, else '';
--       7 '1': the value is provisional: the lock stays, and waiters get nothing until load/confirm.lua
-- Reply: 'stored'; 'limited' when the module has too many negative results: the key is removed, waiters get the value, the lock is
--        released; 'lost' when the caller no longer holds the lock (its lease ended, or the key was removed or set); or the reply of
--        fences_since: the caller checks whether a fence covers this key, and if none does, stores with the newer stamp.
-- Cost: constant but for the value's size, and one or two commands a tag.
local key, lock, value, life = KEYS[1], KEYS[2], ARGV[4], ARGV[3]

-- Returns how many negative results are counted in the current window. Anything but a count with an expiry is another client's value.
local function count_in(counter)
  local count = probably_exists(counter) and redis.pcall('GET', counter)
  local is_count = type(count) == 'string' and #count < 16 and string.match(count, '^%d+$')
  if is_count and redis.call('PTTL', counter) > 0 then return tonumber(count) end
  return 0
end

local function leave_tags(first)
  for i = first, #KEYS do redis.pcall('SREM', KEYS[i], key) end
end

if redis.call('GET', lock) ~= ARGV[1] then return { 'lost' } end

local fenced = ARGV[2] ~= '' and fences_since(KEYS[3], ARGV[2])
if fenced then return fenced end

local counter = ARGV[6] ~= '' and KEYS[7]
local count = counter and count_in(counter)
if counter and count >= tonumber(ARGV[6]) then
  leave_tags(8)
  redis.call('UNLINK', key, lock)
  give_to_waiters(KEYS[4], KEYS[5], nil, value)
  return { 'limited' }
end

-- A value that cannot be tagged is not stored.
local first_left = 8 + tonumber(ARGV[5])
for i = 8, first_left - 1 do
  local added = add_to_tag(KEYS[i], life, key)
  if type(added) == 'table' then return added end
end

if value == '' then
  redis.call('UNLINK', key)
  redis.call('RENAME', KEYS[6], key)
  redis.call('PEXPIRE', key, life)
else
  redis.call('SET', key, value, 'PX', life)
end
leave_tags(first_left)
if counter then
  if count > 0 then redis.call('INCR', counter) else redis.call('SET', counter, 1, 'PX', life) end
end
if ARGV[7] == '1' then return { 'stored' } end
redis.call('UNLINK', lock)

-- All who wait now may take the value, even if an invalidation removes it before they look again.
give_to_waiters(KEYS[4], KEYS[5], nil, value)
return { 'stored' }
