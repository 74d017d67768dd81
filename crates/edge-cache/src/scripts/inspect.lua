-- Describes one key and reads a bounded part of its value.
-- KEYS: 1 the key, 2 its companion (what this system knows about it)
-- ARGV: 1 cursor or offset into a collection ('0' = start), 2 how many elements, 3 how many bytes of values at most
-- Reply: type ('none' when there is no key: nothing follows), PTTL, memory bytes or -1, encoding, tags as stored or '',
--        length (bytes of a string, elements of a collection), next cursor ('0' = all read), 1 when bytes were cut,
--        then the value: a string's first bytes; members; fields and values; scores beside members; ids beside entries
-- Cost: bounded by the arguments, whatever the size of the key: of a collection about 16 MiB are read, and at least one element.
local key, from, count = KEYS[1], ARGV[1], tonumber(ARGV[2])
local kind = redis.call('TYPE', key).ok
if kind == 'none' then return { kind } end

local bytes = redis.pcall('MEMORY', 'USAGE', key)
if type(bytes) ~= 'number' then bytes = -1 end
local encoding = redis.pcall('OBJECT', 'ENCODING', key)
if type(encoding) ~= 'string' then encoding = 'unknown' end
local tags = redis.pcall('HGET', KEYS[2], 'tags')
if type(tags) ~= 'string' then tags = '' end

-- Whole elements are read before they are cut: of large ones fewer.
local function fewer(length)
  if bytes > 0 and length > 0 then count = math.max(1, math.min(count, math.floor(16777216 * length / bytes))) end
  return length
end

-- Only a stream's cursor has two parts.
if kind ~= 'stream' then from = string.match(from, '^%d+') end
local length, next_cursor, value = 0, '0', {}
local function window()
  local first = math.min(tonumber(from), length)
  if first + count < length then next_cursor = tostring(first + count) end
  return first, first + count - 1
end

if kind == 'string' then
  length = redis.call('STRLEN', key)
  value = { redis.call('GETRANGE', key, 0, tonumber(ARGV[3]) - 1) }
elseif kind == 'list' then
  length = fewer(redis.call('LLEN', key))
  value = redis.call('LRANGE', key, window())
elseif kind == 'zset' then
  length = fewer(redis.call('ZCARD', key))
  local first, last = window()
  value = redis.call('ZRANGE', key, first, last, 'WITHSCORES')
elseif kind == 'set' or kind == 'hash' then
  length = fewer(redis.call(kind == 'set' and 'SCARD' or 'HLEN', key))
  local scan = redis.call(kind == 'set' and 'SSCAN' or 'HSCAN', key, from, 'COUNT', count)
  next_cursor, value = scan[1], scan[2]
elseif kind == 'stream' then
  length = fewer(redis.call('XLEN', key))
  local start = from == '0' and '-' or '(' .. from
  for _, entry in ipairs(redis.call('XRANGE', key, start, '+', 'COUNT', count)) do
    value[#value + 1] = entry[1]
    value[#value + 1] = cjson.encode(entry[2])
    next_cursor = entry[1]
  end
  if #value < 2 * count then next_cursor = '0' end
end

-- Past the byte limit every further element is cut short, so that the reply stays bounded and none is lost.
local cut, left = 0, tonumber(ARGV[3])
if kind == 'string' and length > left then cut = 1 end
local reply = { kind, redis.call('PTTL', key), bytes, encoding, tags, length, next_cursor, cut }
for _, element in ipairs(value) do
  local most = math.max(left, 128)
  if #element > most then
    element = string.sub(element, 1, most)
    reply[8] = 1
  end
  left = left - #element
  reply[#reply + 1] = element
end
return reply
