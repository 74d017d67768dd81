-- A part of the scripts of old instances.
local function turn()
  local id = redis.pcall('XADD', 'cache:turns', 'MAXLEN', 1, '*', 'turn', '')
  if type(id) ~= 'string' then return 0 end
  local milliseconds, nth = string.match(id, '^(%d+)-(%d+)$')
  return milliseconds * 4096 + math.min(nth, 4095)
end
