-- Stands before scripts that put loads and the callers who wait for them in order: a number higher than all before it, 0 where
-- none can be had. It is the time in microseconds at least: a server that has lost the last numbers (a replica that took over, one
-- started from an older file) gives none of them again.
local function turn()
  local last, now = redis.pcall('GET', 'cache:turns'), redis.pcall('TIME')
  if type(last) == 'table' or now.err then return 0 end
  -- What is past the whole numbers that can be told apart is another client's.
  last = last and tonumber(last) or 0
  local number = math.max(last < 9e15 and last + 1 or 0, now[1] * 1000000 + now[2])
  local set = redis.pcall('SET', 'cache:turns', string.format('%.0f', number))
  return set.err and 0 or number
end

