-- Takes a tag's members aside, so that keys tagged from now on belong to a new set, and names the first of them.
-- KEYS: 1 the tag's set, 2 the set aside (same slot; members that an interrupted invalidation left there are kept)
-- ARGV: 1 how many names to return at most
-- Reply: number of members set aside, then up to that many names
-- Cost: a rename, constant; a union where an interrupted invalidation left members.
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('SUNIONSTORE', KEYS[2], KEYS[2], KEYS[1])
  redis.call('UNLINK', KEYS[1])
elseif redis.call('TYPE', KEYS[1]).ok == 'set' then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PERSIST', KEYS[2])
else
  -- Another type under a tag's name is a mistake to be reported (WRONGTYPE), no set is a tag without members.
  redis.call('SCARD', KEYS[1])
  return { 0 }
end
return { redis.call('SCARD', KEYS[2]), unpack(redis.call('SRANDMEMBER', KEYS[2], ARGV[1])) }
