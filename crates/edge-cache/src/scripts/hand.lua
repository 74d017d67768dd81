-- Releases a lock, if it is still ours, and hands what was loaded under it to callers who waited when the load began.
-- KEYS: 1 the lock, 2 what callers wait at
-- ARGV: 1 the owner's random value, 2 the number of the load, 3 the value
-- Reply: 1
-- Cost: constant but for the value's size.
if redis.pcall('GET', KEYS[1]) == ARGV[1] then release(KEYS[1]) end
hand_over(KEYS[2], tonumber(ARGV[2]) or 0, ARGV[3])
return 1
