-- The order of loads and waiters, and the handover of a load's value to its waiters.

-- Returns a number above all earlier ones, or 0 if Redis refuses to write. It is made of a stream entry's id, so it is at least Redis'
-- time: a replica that took over, or a server restored from an older file, does not repeat it. Beyond 4,096 in one millisecond numbers
-- repeat. On a Cluster each key has an order of its own in its slot, which expires when nobody loads or waits any more.
local ORDER_KEPT_MS = 60000
local NAMESPACE = ''
local function next_number(turns)
  local id = redis.pcall('XADD', turns, 'MAXLEN', 1, '*', 'turn', '')
  if type(id) ~= 'string' then return 0 end
  local prefix = 'cache:' .. NAMESPACE .. 'turns:'
  if string.sub(turns, 1, #prefix) == prefix then redis.call('PEXPIRE', turns, ORDER_KEPT_MS) end
  local milliseconds, nth = string.match(id, '^(%d+)-(%d+)$')
  return milliseconds * 4096 + math.min(nth, 4095)
end

-- Leaves a load's value to the waiters whose number is below `below`; without `below`, to all who wait now. A value that more of them
-- may take stays. Values above 1 MiB are not stored twice.
local function give_to_waiters(waiting, turns, below, value)
  if value == '' or #value > 1048576 or not probably_exists(waiting) then return end
  below = below or next_number(turns)
  local earlier = redis.pcall('GETRANGE', waiting, 0, 20)
  if type(earlier) ~= 'string' or (tonumber(string.match(earlier, '^%d+')) or 0) > below then return end
  redis.pcall('SET', waiting, string.format('%.0f\n', below) .. value, 'PX', 3000)
end

