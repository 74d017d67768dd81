-- Occupies one of the places for walks that only read, if one is free.
-- KEYS: the places
-- ARGV: 1 the owner's random value, 2 milliseconds after which a place is free by itself
-- Reply: 1 if a place was occupied, else 0
-- Cost: two commands for each place.
-- A repeated call succeeds again, because it finds the owner's place; the owner frees all that it has.
for _, place in ipairs(KEYS) do
  local is_taken = redis.call('SET', place, ARGV[1], 'NX', 'PX', ARGV[2])
  if is_taken or redis.call('GET', place) == ARGV[1] then return 1 end
end
return 0
