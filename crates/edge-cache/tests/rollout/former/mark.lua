-- Stands before scripts that let chunks of values live: removals look for chunks only while this mark is there.
local function mark(life)
  local left = redis.call('PTTL', 'cache:chunked')
  if left ~= -1 and left < tonumber(life) then redis.call('SET', 'cache:chunked', 1, 'PX', life) end
end

-- Notes that the database has values in chunks for so long.
-- KEYS: 1 the mark
-- ARGV: 1 milliseconds
-- Reply: 1
-- Cost: constant.
mark(ARGV[1])
return 1
