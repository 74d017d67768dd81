-- Stands before scripts that begin a stream of fences. Its first one has a number of its own: those that Redis gives start at 0 within
-- each millisecond, and one of an earlier stream, which a load may have for its stamp, must not come again.
local function first_fence(fences, number, kind, what)
  local now = redis.call('TIME')
  local milliseconds = now[1] * 1000 + math.floor(now[2] / 1000)
  return redis.call('XADD', fences, string.format('%.0f-%s', milliseconds, number), kind, what)
end

