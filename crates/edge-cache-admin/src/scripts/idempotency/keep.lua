-- Keeps the answer of a request in place of its claim.
-- KEYS: 1 the key
-- ARGV: 1 the owner's random value, 2 how many milliseconds the answer is kept, 3 the head of the answer, 4 its body, 5 1 if the body
--       was too long
-- Reply: 1
-- Cost: the size of the answer.
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'owner')
  redis.call('HSET', KEYS[1], 'head', ARGV[3], 'body', ARGV[4], 'cut', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
