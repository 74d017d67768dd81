-- Adds to counters of a hash, whose number of fields is bounded.
-- KEYS: 1 the hash
-- ARGV: 1 most fields, then per counter two: its name, 'module:what', and how many
-- Reply: number of counters
-- Cost: constant per counter.
local room = tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 and redis.call('HLEN', KEYS[1]) >= room then
    field = 'overflow:' .. string.match(field, '[^:]*$')
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
return redis.call('HLEN', KEYS[1])
