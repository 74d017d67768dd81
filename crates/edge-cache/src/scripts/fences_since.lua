-- Stands before the scripts that store what was loaded.
-- Whether an invalidation has come since a stamp: nothing if none has; else a reply of 'fenced', the newest stamp, then per
-- invalidation two: its kind ('pattern', 'tag', 'key' or 'unknown') and what it named.
local function fences_since(fences, stamp)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  local newest = last[1] and last[1][1] or '0-0'
  if newest == stamp then return nil end
  local reply = { 'fenced', newest }
  local entries = redis.call('XRANGE', fences, stamp, '+')
  local complete = entries[1] and entries[1][1] == stamp
  -- Some have been trimmed or evicted already: they may have meant this key.
  if not complete then reply[3] = 'unknown'; reply[4] = '' end
  for _, entry in ipairs(entries) do
    if entry[1] ~= stamp then
      reply[#reply + 1] = entry[2][1]
      reply[#reply + 1] = entry[2][2]
    end
  end
  return reply
end

