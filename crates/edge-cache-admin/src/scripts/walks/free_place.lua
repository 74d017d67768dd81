-- Frees the places of a walk.
-- KEYS: the places
-- ARGV: 1 the owner's random value
-- Reply: how many were the owner's
-- Cost: one or two commands for each place.
local freed = 0
for _, place in ipairs(KEYS) do
  if redis.pcall('GET', place) == ARGV[1] then freed = freed + redis.call('UNLINK', place) end
end
return freed
