-- A part of the scripts of old instances.
local function fences_since(fences, stamp)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  local newest = last[1] and last[1][1] or '0-0'
  if newest == stamp then return nil end
  local reply = { 'fenced', newest }
  local entries = redis.call('XRANGE', fences, stamp, '+')
  local complete = entries[1] and entries[1][1] == stamp
  if not complete then reply[3] = 'unknown'; reply[4] = '' end
  for _, entry in ipairs(entries) do
    if entry[1] ~= stamp then
      reply[#reply + 1] = entry[2][1]
      reply[#reply + 1] = entry[2][2]
    end
  end
  return reply
end
