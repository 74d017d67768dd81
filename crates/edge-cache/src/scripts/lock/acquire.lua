-- Acquires a lock that nobody holds. A script rather than a plain SET, so that a user without the right to run scripts is refused before
-- the lock is set: releasing it takes a script.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 the lease in ms
-- Reply: 1 when it was acquired, else 0
-- Cost: constant.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
