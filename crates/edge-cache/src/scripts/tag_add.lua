-- Adds keys to a tag, whose set then lives at least as long as they do, and no longer than its longest-lived key.
-- KEYS: 1 the tag's set
-- ARGV: 1 milliseconds the keys live, 2.. the keys' names, up to 1,000
-- Reply: number of names that are new in the set
-- Cost: below a millisecond for 1,000 names.
local before = redis.call('PTTL', KEYS[1])
local added = redis.call('SADD', KEYS[1], unpack(ARGV, 2))
-- A set that another client keeps for ever (-1) stays so; a new one (-2) or one that would end too early is prolonged.
if before ~= -1 and before < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return added
