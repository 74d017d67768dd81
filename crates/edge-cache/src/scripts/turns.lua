-- Stands before scripts that put loads and the callers who wait for them in order: a number higher than all before it, 0 where
-- none can be had. It is that of an entry of a stream, so the time at least: a server that has lost the last numbers (a replica that
-- took over, one started from an older file) gives none of them again. Among more than 4,096 in a millisecond some are equal.
local function turn()
  local id = redis.pcall('XADD', 'cache:turns', 'MAXLEN', 1, '*', 'turn', '')
  if type(id) ~= 'string' then return 0 end
  local milliseconds, nth = string.match(id, '^(%d+)-(%d+)$')
  return milliseconds * 4096 + math.min(nth, 4095)
end

