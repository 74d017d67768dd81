-- Finds out which names a dry run has matched.
-- KEYS: 1 the hash of the names
-- ARGV: pairs of a field and hashes of names, 8 bytes each
-- Reply: 'lost' when the names are no longer complete; or one character for each name in order, '1' if it was matched, else '0'
-- Cost: one command for each field; 1,000 names are about a millisecond.
if redis.call('HEXISTS', KEYS[1], 'bits') == 0 then return 'lost' end
local function contains(hashes, wanted)
  local from = 1
  while true do
    local at = string.find(hashes, wanted, from, true)
    if not at then return '0' end
    if at % 8 == 1 then return '1' end
    from = at + 1
  end
end

local found = {}
for i = 1, #ARGV, 2 do
  local hashes = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  for at = 1, #ARGV[i + 1], 8 do found[#found + 1] = contains(hashes, string.sub(ARGV[i + 1], at, at + 7)) end
end
return table.concat(found)
