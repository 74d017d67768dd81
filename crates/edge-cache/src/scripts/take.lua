-- Takes a lock that nobody has. A script, so that a user who may run none is refused before it is taken: to give it back needs one.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 milliseconds it lives
-- Reply: 1 when it was taken, else 0
-- Cost: constant.
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
