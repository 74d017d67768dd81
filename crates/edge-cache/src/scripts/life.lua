-- Lets a key live at least so long.
-- KEYS: 1 the key
-- ARGV: 1 milliseconds
-- Reply: 1 when it was prolonged, else 0
-- Cost: constant.
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[1]) then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0
