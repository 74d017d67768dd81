-- Acquires the right to load a key, and takes the stamp that its value is stored with.
-- KEYS: 1 the key, 2 its lock, 3 the fences, 4 the TTL overrides, 5 the order of loads and waiters. On a Cluster 3 and 4 are in another
--       slot: the caller gives names in the key's slot, and reads the two itself
-- ARGV: 1 the owner's random value, 2 the lease in ms, 3 what the caller has read: length and end of the value, or '' for none; 4 'dead' if an
--       invalidation covers that value; 5 '1' on a Cluster
-- Reply: 0 when another caller holds the lock; 2 when the value was written since the caller read it; 3 and the error when a load has just
--        failed; 1 when the lock was acquired, then the stamp (epoch, newest fence), the load's number, and the overrides: prefix, seconds, ...; on
--        a Cluster only 1 and the load's number
-- Cost: constant.

-- Two writings differ in their trailers, at the end.
local function identity()
  if not exists(KEYS[1]) then return '' end
  local length = redis.pcall('STRLEN', KEYS[1])
  if type(length) == 'number' then return length .. ' ' .. redis.call('GETRANGE', KEYS[1], -64, -1) end
  local first = redis.pcall('LINDEX', KEYS[1], 0)
  if type(first) ~= 'string' then return 'another type' end
  return 'list ' .. #first .. ' ' .. string.sub(first, -64)
end

-- Another load has ended between the caller's read and now: its value is as good as a new one.
if identity() ~= ARGV[3] then return { 2 } end

if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local hold, failure = hold_of(KEYS[2], KEYS[1])
  if hold == 3 then return { 3, failure } end
  if hold == 1 or hold == 2 and ARGV[4] ~= 'dead' then return { 0 } end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
end

if ARGV[5] == '1' then return { 1, next_number(KEYS[5]) } end
local epoch, newest = take_stamp(KEYS[3])
local reply = { 1, epoch, newest, next_number(KEYS[5]) }
for _, part in ipairs(redis.pcall('HGETALL', KEYS[4])) do reply[#reply + 1] = part end
return reply
