-- Reads which rows of hot keys there are, and those of an hour that has no row.
-- KEYS: 1 rows of minutes (a stream), 2 rows of hours (a stream)
-- ARGV: 1 the hour in milliseconds, 2 its last millisecond
-- Reply: the newest minute and the newest hour in milliseconds (0: none), then the rows of the hour's minutes in one string of
--        MessagePack, an id and a row for each ('' if the hour has a row)
-- Cost: two reads; once an hour 60 rows of at most 16 KiB.
local function newest(key)
  local row = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  return row and string.match(row[1], '^%d+') or '0'
end

local minute, hour, packed = newest(KEYS[1]), newest(KEYS[2]), {}
if tonumber(hour) < tonumber(ARGV[1]) then
  for _, row in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2])) do packed[#packed + 1] = cmsgpack.pack(row[1], row[2][2]) end
end
return { minute, hour, table.concat(packed) }
