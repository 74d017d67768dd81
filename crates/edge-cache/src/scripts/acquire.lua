-- Takes the right to load a key, with the stamp that fences what will be stored.
-- KEYS: 1 the lock, 2 the fences, 3 the TTL overrides, 4 the key, 5 its companion
-- ARGV: 1 the owner's random value, 2 the lease in ms, 3 which writing of the value the caller has seen
-- Reply: 1 when it was taken, 0 when another has it, 2 when the value was written since the caller looked; for 1 follow
--        the stamp, the number of the load, then the overrides: prefix, seconds, ...
-- Cost: constant.
-- Another load may have ended between the caller's look and now: its value is as good as a new one.
local writing = there(KEYS[4]) and (redis.call('HGET', KEYS[5], 'writing') or 'unknown') or ''
if writing ~= ARGV[3] then return { 2 } end
local other = redis.call('SRANDMEMBER', 'cache:loading')
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 0 } end
-- Locks of callers that died end by themselves; to look at one of all a load keeps up with them.
if other and redis.call('EXISTS', other) == 0 then redis.call('SREM', 'cache:loading', other) end
redis.call('SADD', 'cache:loading', KEYS[1])
hold(ARGV[2])
local reply = { 1, stamp(KEYS[2]), turn() }
for _, part in ipairs(redis.call('HGETALL', KEYS[3])) do reply[#reply + 1] = part end
return reply
