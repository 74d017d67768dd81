-- Acquires a lock that nobody holds: another client's value of another type or without an expiry is replaced. A script rather than a plain
-- SET, so that a user without the right to run scripts is refused before the lock is set: releasing it takes a script.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 the lease in ms
-- Reply: 1 when it was acquired, else 0
-- Cost: constant.
if hold_of(KEYS[1], KEYS[1]) ~= 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
