-- Reads records of changes in a time, newest first.
-- KEYS: 1 and 2 streams of the audit trail
-- ARGV: 1 the first id, 2 the last id, 3 the most records to look at in each stream, 4 the most to return of each stream, then the
--       actions to return
-- Reply: for each stream: 1 if there are more, the number of records, then each record's JSON
-- Cost: reads at most ARGV[3] records of up to 4 KiB in each stream.
local wanted = {}
for i = 5, #ARGV do wanted[ARGV[i]] = true end
local max_read, max_records = tonumber(ARGV[3]), tonumber(ARGV[4])

local reply = {}
for _, key in ipairs(KEYS) do
  local found, more = {}, 0
  local entries = redis.pcall('XREVRANGE', key, ARGV[2], ARGV[1], 'COUNT', max_read)
  if entries.err then entries = {} end
  if #entries == max_read then more = 1 end
  for _, entry in ipairs(entries) do
    local record = entry[2][2] or ''
    if wanted[string.match(record, '"action":"([^"]*)"') or ''] then
      if #found == max_records then more = 1 break end
      found[#found + 1] = record
    end
  end

  reply[#reply + 1] = more
  reply[#reply + 1] = #found
  for _, record in ipairs(found) do reply[#reply + 1] = record end
end
return reply
