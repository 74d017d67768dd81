-- Hands what was loaded to callers who waited when the load began, and releases its lock, if it is still ours.
-- KEYS: 1 the lock, 2 what callers wait at
-- ARGV: 1 the owner's random value, 2 the number of the load, 3 the value, or '' for one that is too large
-- Reply: 1
-- Cost: constant but for the value's size.
hand_over(KEYS[2], tonumber(ARGV[2]) or 0, ARGV[3])
if redis.pcall('GET', KEYS[1]) == ARGV[1] then release(KEYS[1]) end
return 1
