-- Reads a page of the audit trail, newest first, from all of its streams. Records what is overdue first.
-- KEYS: of trail.lua
-- ARGV: 1 of trail.lua, 2 the most records, 3 the approximate most bytes, 4 the most bytes of one record, 5 to 7 the id from which
--       each stream is read, 8 the most intents
-- Reply: records of all streams, 1 if there are more, then three for each record: its stream (4: an intent; intents come first,
--        newest first), id, text (cut if it is too long)
-- Cost: one read of a stream for each record.

-- A replica refuses to record, which is no reason not to read.
pcall(function()
  if redis.call('XLEN', KEYS[4]) + redis.call('HLEN', KEYS[6]) == 0 then return end
  allow_writes_when_full()
  record_overdue(clock())
end)
local max_records, bytes_left, max_record_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- A key of another type is read as an empty stream: one that is broken must not hide the others.
local function newest(stream, from, count)
  local found = redis.pcall('XREVRANGE', KEYS[stream], from, '-', 'COUNT', count)
  if not found or found.err then return {} end
  return found
end

local function text_of(entry, field)
  local parts = entry[2]
  for place = 1, #parts, 2 do
    if parts[place] == field then return parts[place + 1] end
  end
  return table.concat(parts, ' ')
end

local reply = { 0, 0 }
local function add_to_reply(stream, entry)
  local text = text_of(entry, 'record')
  if #text > max_record_bytes then text = string.sub(text, 1, max_record_bytes / 8) end
  bytes_left = bytes_left - #text
  reply[#reply + 1] = stream
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = text
end

for _, entry in ipairs(newest(4, '+', ARGV[8])) do add_to_reply(4, entry) end

local function is_newer(one, other)
  local ms, sequence = string.match(one[1], '(%d+)-(%d+)')
  local other_ms, other_sequence = string.match(other[1], '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(sequence) > tonumber(other_sequence)
end

local heads = {}
for stream = 1, 3 do
  local length = redis.pcall('XLEN', KEYS[stream])
  if type(length) == 'number' then reply[1] = reply[1] + length end
  heads[stream] = newest(stream, ARGV[stream + 4], 1)[1]
end

local records = 0
while true do
  local best
  for stream = 1, 3 do
    if heads[stream] and (not best or is_newer(heads[stream], heads[best])) then best = stream end
  end
  if not best then break end
  if records == max_records or (records > 0 and bytes_left <= 0) then
    reply[2] = 1
    break
  end

  add_to_reply(best, heads[best])
  records = records + 1
  heads[best] = newest(best, '(' .. heads[best][1], 1)[1]
end
return reply
