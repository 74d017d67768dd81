-- Finds the record of an operation: its intent while it is running, else the record in its stream. Records what is overdue first.
-- KEYS: of trail.lua
-- ARGV: 1 of trail.lua, 2 the stream, 3 the intent's id, 4 the rest of the operation's id, 5 the id of the stream from which to search,
--       6 the id at which the search ends, 7 the most records to search
-- Reply: if it was found: its stream (4: an intent), id, text. Else the id from which to go on; empty if there is nothing left
-- Cost: one read of a stream for 64 records: one if the change did not take long.
try_recording_overdue()
local pending = '"operationId":"~' .. ARGV[4] .. '"'
local complete = '"operationId":"' .. ARGV[3] .. '-' .. ARGV[4] .. '"'

local intents = redis.pcall('XRANGE', KEYS[4], ARGV[3], ARGV[3])
local intent = not intents.err and intents[1]
if intent and string.find(intent[2][4] or '', pending, 1, true) then return { 4, intent[1], intent[2][4] } end

local stream, from, left = tonumber(ARGV[2]), ARGV[5], tonumber(ARGV[7])
while left > 0 do
  local entries = redis.pcall('XRANGE', KEYS[stream], from, ARGV[6], 'COUNT', 64)
  if entries.err then return { '' } end
  for _, entry in ipairs(entries) do
    local record = entry[2][2] or ''
    if string.find(record, complete, 1, true) then return { stream, entry[1], record } end
  end
  if #entries < 64 then return { '' } end
  from = '(' .. entries[#entries][1]
  left = left - #entries
end
return { from }
