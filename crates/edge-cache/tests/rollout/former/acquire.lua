-- A script of old instances.
local writing = there(KEYS[4]) and (redis.call('HGET', KEYS[5], 'writing') or 'unknown') or ''
if writing ~= ARGV[3] then return { 2 } end
local other = redis.call('SRANDMEMBER', 'cache:loading')
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 0 } end
if other and redis.call('EXISTS', other) == 0 then redis.call('SREM', 'cache:loading', other) end
redis.call('SADD', 'cache:loading', KEYS[1])
hold(ARGV[2])
local reply = { 1, stamp(KEYS[2]), turn() }
for _, part in ipairs(redis.call('HGETALL', KEYS[3])) do reply[#reply + 1] = part end
return reply
