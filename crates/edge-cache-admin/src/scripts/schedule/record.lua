-- Records facts of the schedule between two wake-ups.
-- KEYS: 1 the facts (a hash), 2 a key that never exists
-- ARGV: names and values of fields
-- Reply: the number of fields that are new
-- Cost: one write of at most three fields.

-- A full server refuses writes that may grow until the script has deleted a name. Relief matters most then.
redis.call('DEL', KEYS[2])
return redis.call('HSET', KEYS[1], unpack(ARGV))
