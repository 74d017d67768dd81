-- Reads a page of the audit trail, newest first, from all of its streams. Records what is overdue first.
-- KEYS: of trail.lua
-- ARGV: 1 of trail.lua, 2 the most records, 3 the approximate most bytes, 4 the most bytes of one record, 5 to 7 the id from which
--       each stream is read, 8 the id at which reading ends, 9 the most intents, 10 the most records to look at, 11 how many of them
--       are read at once, 12 how many texts follow that each record has, 13.. these texts, then texts of which each record has one
-- Reply: records of all streams, 1 if there are more, records looked at, the stream and the id of the last of them (0 and empty if
--        there is none), then three for each record: its stream (4: an intent; intents come first, newest first), id, text (cut if it
--        is too long)
-- Cost: one read of a stream for so many records at once.
try_recording_overdue()
local max_records, bytes_left, max_record_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local max_looked_at, batch, first_any = tonumber(ARGV[10]), ARGV[11], 13 + tonumber(ARGV[12])

-- A key of another type is read as an empty stream: one that is broken must not hide the others.
local function newest(stream, from, to, count)
  local found = redis.pcall('XREVRANGE', KEYS[stream], from, to, 'COUNT', count)
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

local function has_texts(text)
  for place = 13, first_any - 1 do
    if not string.find(text, ARGV[place], 1, true) then return false end
  end
  for place = first_any, #ARGV do
    if string.find(text, ARGV[place], 1, true) then return true end
  end
  return first_any > #ARGV
end

local reply = { 0, 0, 0, 0, '' }
local function add_to_reply(stream, entry)
  local text = text_of(entry, 'record')
  if not has_texts(text) then return 0 end
  if #text > max_record_bytes then text = string.sub(text, 1, max_record_bytes / 8) end
  bytes_left = bytes_left - #text
  reply[#reply + 1] = stream
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = text
  return 1
end

for _, entry in ipairs(newest(4, '+', '-', ARGV[9])) do add_to_reply(4, entry) end

local function is_newer(one, other)
  local ms, sequence = string.match(one[1], '(%d+)-(%d+)')
  local other_ms, other_sequence = string.match(other[1], '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(sequence) > tonumber(other_sequence)
end

-- Entries of each stream that were read, and which of them is next.
local read, place = {}, {}
local function refill(stream, from)
  read[stream], place[stream] = newest(stream, from, ARGV[8], batch), 1
end
local function head(stream) return read[stream][place[stream]] end

for stream = 1, 3 do
  local length = redis.pcall('XLEN', KEYS[stream])
  if type(length) == 'number' then reply[1] = reply[1] + length end
  refill(stream, ARGV[stream + 4])
end

local records = 0
while true do
  local best
  for stream = 1, 3 do
    if head(stream) and (not best or is_newer(head(stream), head(best))) then best = stream end
  end
  if not best then break end
  if records == max_records or reply[3] == max_looked_at or (records > 0 and bytes_left <= 0) then
    reply[2] = 1
    break
  end

  local entry = head(best)
  records = records + add_to_reply(best, entry)
  reply[3], reply[4], reply[5] = reply[3] + 1, best, entry[1]
  place[best] = place[best] + 1
  if not head(best) then refill(best, '(' .. entry[1]) end
end
return reply
