-- Ends a load whose value is not stored: gives it to those who waited before the load began, and releases the lock, if the caller still
-- holds it.
-- KEYS: 1 the lock, 2 the key's value for waiters, 3 the order of loads and waiters
-- ARGV: 1 the owner's random value, '' for a load that has no lock, 2 the load's number, 3 the value, or '' for one that is too large
-- Reply: 1
-- Cost: constant but for the value's size.
give_to_waiters(KEYS[2], KEYS[3], tonumber(ARGV[2]) or 0, ARGV[3])
if ARGV[1] ~= '' and redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return 1
