-- Counts a negative result of a module, where the counter is in another slot than the key.
-- KEYS: 1 the counter
-- ARGV: 1 how many the module may store within the life of one, 2 that life in ms
-- Reply: 1 when this one may be stored, else 0
-- Cost: constant.
local count = redis.pcall('GET', KEYS[1])
local is_count = type(count) == 'string' and #count < 16 and string.match(count, '^%d+$') and redis.call('PTTL', KEYS[1]) > 0
if not is_count then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
  return 1
end
if tonumber(count) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
return 1
