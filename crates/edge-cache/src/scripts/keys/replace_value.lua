-- Replaces a value, or that of one field of a hash, if it is still the one that was read. The expiry of the key and of the field stay. The
-- load lock goes, so that a load in flight does not store what it read before.
-- KEYS: 1 the key, 2 its load lock, 3 the registration of near caches, 4 the near fences (on a Cluster two keys in the slot that never
--       exist)
-- ARGV: 1 'field' or 'value', 2 the field, 3 the value that was read, 4 the new one
-- Reply: for how many milliseconds from now near caches may not know it; 1 when it was replaced, else 0; the key's PTTL (-3: past 2^53,
--        which Lua has no number for)
-- Cost: constant, but for the lengths of both values.
local key, field = KEYS[1], ARGV[2]
local is_field = ARGV[1] == 'field'
local current
if is_field then current = redis.pcall('HGET', key, field) else current = redis.pcall('GET', key) end
if current ~= ARGV[3] then return { 0, 0, redis.call('PTTL', key) } end

if is_field then
  -- Only newer servers have expiries of fields. Writing a field ends its own.
  local at = redis.pcall('HPEXPIRETIME', key, 'FIELDS', 1, field)
  redis.call('HSET', key, field, ARGV[4])
  if type(at) == 'table' and not at.err and tonumber(at[1]) and tonumber(at[1]) > 0 then
    redis.call('HPEXPIREAT', key, string.format('%.0f', at[1]), 'FIELDS', 1, field)
  end
else
  redis.call('SET', key, ARGV[4], 'KEEPTTL')
end
redis.call('UNLINK', KEYS[2])

local interval = near_interval(KEYS[3])
if interval > 0 then append_near_fences(KEYS[4], { key }) end
local left = redis.call('PTTL', key)
if left >= 9007199254740992 then left = -3 end
return { interval, 1, left }
