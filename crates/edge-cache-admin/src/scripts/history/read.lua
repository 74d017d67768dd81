-- Reads rows of the history, oldest first.
-- KEYS: 1 rows of minutes (a stream), 2 rows of quarters of an hour (a stream)
-- ARGV: 1 and 2 the first and the last id, 3 '1' to read quarters, and minutes only behind the last quarter, 4 milliseconds of a quarter
-- Reply: the rows in one string of MessagePack: an id and a row for each
-- Cost: at most about 2,900 rows of at most 500 bytes.
local packed = {}
local function add(key, from, to)
  for _, row in ipairs(redis.call('XRANGE', key, from, to)) do packed[#packed + 1] = cmsgpack.pack(row[1], row[2][2]) end
end

local from = ARGV[1]
if ARGV[3] == '1' then
  add(KEYS[2], from, ARGV[2])
  local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if newest then
    local behind = tonumber(string.match(newest[1], '^%d+')) + tonumber(ARGV[4])
    if behind > tonumber(from) then from = string.format('%.0f', behind) end
  end
end
if tonumber(from) <= tonumber(ARGV[2]) then add(KEYS[1], from, ARGV[2]) end
return table.concat(packed)
