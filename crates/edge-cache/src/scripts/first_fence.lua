-- Stands before scripts that begin a stream of fences. Its first one has a number of its own: those that Redis gives start at 0 within
-- each millisecond, and one of an earlier stream, which a load may have for its stamp, must not come again.
local function first_fence(fences, number, kind, what)
  -- The time is in the number that Redis gives; asking for it with TIME is a right that users seldom have.
  local milliseconds = string.match(redis.call('XADD', fences, '*', kind, what), '^%d+')
  return redis.call('XADD', fences, milliseconds .. '-' .. number, kind, what)
end

