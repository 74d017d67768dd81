-- Stores counts and cursor of a part of a job after a slice that plain commands walked, for servers that refuse scripts without keys.
-- KEYS: 1 the part
-- ARGV: 1 the next cursor, 'end' after the last slice, 2 the TTL of the part in ms; the slice adds: 3 keys walked, 4 matched,
--       5 removed, 6 failed
-- Reply: 1 at the end of the walk, else 0; keys walked, matched, removed, failed so far
-- Cost: constant.
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'cursor', ARGV[1]) end
redis.call('HINCRBY', KEYS[1], 'walked', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'matched', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'removed', ARGV[5])
redis.call('HINCRBY', KEYS[1], 'failed', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local part = redis.call('HMGET', KEYS[1], 'cursor', 'walked', 'matched', 'removed', 'failed')
return { part[1] == 'end' and 1 or 0, part[2], part[3], part[4], part[5] }
