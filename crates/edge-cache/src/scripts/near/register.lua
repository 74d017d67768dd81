-- Registers an instance that keeps near copies, or prolongs that.
-- KEYS: 1 the registration, 2 the near fences, 3 a key that never exists
-- ARGV: 1 how old the instance's views may be, in ms; 2 how long the registration holds, in ms
-- Reply: the newest near fence's id
-- Cost: constant.
-- Lets Redis accept a write although its memory is full.
redis.call('DEL', KEYS[3])
local longest = redis.pcall('GET', KEYS[1])
-- While nobody was registered, near fences were not appended: a new stream tells every instance that some may be missing.
if not longest then redis.call('UNLINK', KEYS[2]) end
local interval = math.max(tonumber(type(longest) == 'string' and longest or 0) or 0, tonumber(ARGV[1]))
redis.call('SET', KEYS[1], interval, 'PX', ARGV[2])

local last = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if last.err then
  redis.call('UNLINK', KEYS[2])
  last = {}
end
return last[1] and last[1][1] or redis.call('XADD', KEYS[2], '*', 'begin', '')
