-- Frees a client's key, so that the next request with it is carried out.
-- KEYS: 1 the key
-- ARGV: 1 the owner's random value
-- Reply: 1
-- Cost: constant.
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return 1
