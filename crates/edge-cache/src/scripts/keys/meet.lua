-- Tests which keys of one slot meet conditions.
-- KEYS: the names, up to 1,000
-- ARGV: 1 type or '', 2 the least bytes of memory or '', 3 the most milliseconds left or '', 4 '1' for keys without an expiry, 5 the least
--       seconds since the last use or ''
-- Reply: per key 1 or 0
-- Cost: up to four commands a key; 1,000 are a few milliseconds.
local meets, met = conditions_of(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]), {}
for i, name in ipairs(KEYS) do
  local answer = meets(name)
  -- If the test cannot read the key, this command fails with the server's error.
  if answer == nil then answer = redis.call('PTTL', name) == nil end
  met[i] = answer and 1 or 0
end
record_own_reads()
return met
