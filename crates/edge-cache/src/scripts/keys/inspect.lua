-- Describes one key and reads a bounded part of its value.
-- KEYS: 1 the key, 2 its load lock
-- ARGV: 1 cursor or offset into a collection ('0' = start), 2 how many elements, 3 how many bytes of values at most, 4 the longest value
--       that is hashed ('0' = none)
-- Reply: type ('none' when there is no key: only its load lock follows, as below), PTTL (-3: past 2^53, which Lua has no number for), memory bytes or -1,
--        encoding, its trailer or '', the length of what the trailer closes, length (bytes of a string, elements of a collection), next cursor
--        ('0' = all read), 1 when bytes were cut, hashes of 40 characters joined: that of a string, or of each value of a hash (spaces for
--        one that is too long), its load lock (0: free, 1: held, 2 and 3: a load failed) and the PTTL of that; then the value: a string's first bytes; members; fields and values; scores beside
--        members; of each entry of a stream its id, how many strings follow, and those: fields and values in turn
-- Cost: bounded by the arguments, whatever the size of the key: of a collection about 16 MiB are read, and at least one element. With
--       ARGV[4] strings up to that length are read whole (about 3 ms for 1 MiB).
local key, from, count = KEYS[1], ARGV[1], tonumber(ARGV[2])
local kind = redis.call('TYPE', key).ok
local lock = hold_of(KEYS[2], key)
local lock_left = lock > 0 and redis.call('PTTL', KEYS[2]) or 0
if kind == 'none' then
  record_own_reads()
  return { kind, lock, lock_left }
end

local bytes = redis.pcall('MEMORY', 'USAGE', key)
if type(bytes) ~= 'number' then bytes = -1 end
local encoding = redis.pcall('OBJECT', 'ENCODING', key)
if type(encoding) ~= 'string' then encoding = 'unknown' end
local trailer, closed = trailer_of(key)

-- Whole elements are read before they are cut: of large ones fewer.
local function fewer(length)
  if bytes > 0 and length > 0 then count = math.max(1, math.min(count, math.floor(16777216 * length / bytes))) end
  return length
end

local left = redis.call('PTTL', key)
if left >= 9007199254740992 then left = -3 end
local length = 0
local reply = { kind, left, bytes, encoding, trailer or '', closed or 0, length, '0', 0, '', lock, lock_left }

-- A value is identified without its trailer, and without the header of an LZ4 frame that hides the trailer.
local hash_up_to, hashes = tonumber(ARGV[4]), {}
local function add_hash(value)
  hashes[#hashes + 1] = #value <= hash_up_to and redis.sha1hex(value) or string.rep(' ', 40)
end
local function hash_string()
  if hash_up_to == 0 or redis.call('STRLEN', key) > hash_up_to then return end
  local value = redis.call('GET', key)
  if trailer then
    value = string.sub(value, 1, -#trailer - 1)
    if string.sub(value, 1, 4) == '\4\34\77\24' then value = string.sub(value, 1, -9) end
  end
  add_hash(value)
end

-- Past the byte limit every further element is cut short, so that the reply stays bounded and none is lost.
local room = tonumber(ARGV[3])
local is_value = false
local function put(element)
  if kind == 'hash' and hash_up_to > 0 then
    if is_value then add_hash(element) end
    is_value = not is_value
  end
  local most = math.max(room, 128)
  if #element > most then
    element = string.sub(element, 1, most)
    reply[9] = 1
  end
  room = room - #element
  reply[#reply + 1] = element
end
local function put_all(elements)
  for _, element in ipairs(elements) do put(element) end
end

-- Only the cursor of a stream, or of a place within a compact set or hash, has two parts.
local at, after = string.match(from, '^(%d+)%-?(%d*)$')
local function window()
  local first = math.min(tonumber(at), length)
  if first + count < length then reply[8] = string.format('%.0f', first + count) end
  return first, first + count - 1
end

-- A compact set or hash (a listpack, an intset) comes whole, whatever COUNT says. It is handed out in the order of its names' hashes:
-- a number then says where to continue, and elements that are added or removed meanwhile do not move the others.
local function part_of(all, width)
  local places = {}
  for i = 1, #all, width do
    local place = tonumber(string.sub(redis.sha1hex(all[i]), 1, 12), 16)
    if after == '' or place > tonumber(after) then places[#places + 1] = { place, i } end
  end
  table.sort(places, function(one, other) return one[1] < other[1] end)
  local last = places[math.min(count, #places)]
  for n, place in ipairs(places) do
    -- Two of one hash, should there ever be, are handed out together.
    if n > count and place[1] > last[1] then
      reply[8] = '0-' .. string.format('%.0f', last[1])
      break
    end
    for i = place[2], place[2] + width - 1 do put(all[i]) end
  end
end

local function scan(command, width)
  local step = redis.call(command, key, at, 'COUNT', count)
  if at == '0' and step[1] == '0' and (after ~= '' or #step[2] > width * count) then return part_of(step[2], width) end
  reply[8] = step[1]
  put_all(step[2])
end

-- An entry that has too many fields for what is left is cut behind a value.
local function put_entry(id, fields)
  put(id)
  local size = #reply + 1
  reply[size] = 0
  for n, text in ipairs(fields) do
    if n > 2 and n % 2 == 1 and room <= 0 then
      reply[9] = 1
      break
    end
    put(text)
    reply[size] = n
  end
end

if kind == 'string' then
  length = redis.call('STRLEN', key)
  hash_string()
  put(redis.call('GETRANGE', key, 0, room - 1))
  if length > tonumber(ARGV[3]) then reply[9] = 1 end
elseif kind == 'list' then
  length = fewer(redis.call('LLEN', key))
  -- Of a value in chunks, the first element only describes it.
  if trailer then count = math.max(count, 2) end
  put_all(redis.call('LRANGE', key, window()))
elseif kind == 'zset' then
  length = fewer(redis.call('ZCARD', key))
  local first, last = window()
  put_all(redis.call('ZRANGE', key, first, last, 'WITHSCORES'))
elseif kind == 'set' then
  length = fewer(redis.call('SCARD', key))
  scan('SSCAN', 1)
elseif kind == 'hash' then
  length = fewer(redis.call('HLEN', key))
  scan('HSCAN', 2)
elseif kind == 'stream' then
  length = fewer(redis.call('XLEN', key))
  local entries = redis.call('XRANGE', key, from == '0' and '-' or '(' .. from, '+', 'COUNT', count)
  for _, entry in ipairs(entries) do put_entry(entry[1], entry[2]) end
  if #entries == count then reply[8] = entries[count][1] end
end
reply[7], reply[10] = length, table.concat(hashes)
record_own_reads()
return reply
