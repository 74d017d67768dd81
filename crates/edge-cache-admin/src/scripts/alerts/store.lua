-- Stores what was posted about alerts, unless somebody else has since it was read.
-- KEYS: 1 the state (a hash), 2 a key that never exists
-- ARGV: 1 the revision that was read, 2 the state as JSON
-- Reply: 1 if it was stored, else 0
-- Cost: one read, one write.

-- A full server refuses writes that may grow until the script has deleted a name. Its alert is about that.
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HGET', KEYS[1], 'revision') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', tonumber(ARGV[1]) + 1), 'state', ARGV[2])
return 1
