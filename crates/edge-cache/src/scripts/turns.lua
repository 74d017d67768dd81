-- Stands before scripts that put loads and the callers who wait for them in order: a number higher than all before it. Where the
-- count is gone it begins anew with the time in microseconds, which no count of loads overtakes. 0 where it cannot be had.
local function turn()
  local number = redis.pcall('INCR', 'cache:turns')
  if type(number) ~= 'number' then return 0 end
  if number == 1 then
    local now = redis.call('TIME')
    number = now[1] * 1000000 + now[2]
    redis.call('SET', 'cache:turns', string.format('%.0f', number))
  end
  return number
end

