-- Looks through one slice of the keyspace for names that match, and removes nothing.
-- ARGV: 1 cursor, 2 pattern, 3 COUNT, 4 what is spared, 5 how many names to return at most,
--       6 type or ''
-- Reply: next cursor, number of matches, then up to that many names
-- Cost: about COUNT keys visited; 1,000 are below a millisecond.
local scan = { 'SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3] }
if ARGV[6] ~= '' then scan[7] = 'TYPE'; scan[8] = ARGV[6] end
local reply = redis.call(unpack(scan))
local most = tonumber(ARGV[5])
local matched, answer, seen = 0, { reply[1], 0 }, {}
for _, name in ipairs(reply[2]) do
  if not seen[name] and not spared(name, ARGV[4]) then
    seen[name] = true
    matched = matched + 1
    if matched <= most then answer[#answer + 1] = name end
  end
end
answer[2] = matched
return answer
