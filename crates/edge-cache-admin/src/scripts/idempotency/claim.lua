-- Claims a client's key for a request, or returns what it was used for before.
-- KEYS: 1 the key
-- ARGV: 1 the digest of the request, 2 the owner's random value, 3 the milliseconds of a lease
-- Reply: `begun`, `running`, `other` (the key belongs to another request), or `answered` with the head of the answer, its body, and 1
--        if the body was too long
-- Cost: constant.
-- A full server refuses writes until the script has deleted something; changes must be possible there.
redis.call('HDEL', KEYS[1], '')
-- Unlike a lookup, this is no miss in the statistics of Redis.
if redis.call('HSETNX', KEYS[1], 'request', ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'owner', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'begun' }
end
if redis.call('HGET', KEYS[1], 'request') ~= ARGV[1] then return { 'other' } end

local head = redis.call('HGET', KEYS[1], 'head')
if head then
  local body = redis.call('HGET', KEYS[1], 'body') or ''
  return { 'answered', head, body, tonumber(redis.call('HGET', KEYS[1], 'cut') or '0') }
end
-- A repeated call finds its own claim.
if redis.call('HGET', KEYS[1], 'owner') == ARGV[2] then return { 'begun' } end
return { 'running' }
