-- Takes keys that were written anew out of the set of a tag that they no longer have.
-- KEYS: 1 the tag's set; then the keys
-- ARGV: 1 the tag
-- Reply: number of members removed
-- Cost: a few commands a key.
local removed = 0
for i = 2, #KEYS do
  local trailer = exists(KEYS[i]) and trailer_of(KEYS[i])
  -- Another writer may have given it the tag again.
  if not (trailer and has_tag(tags_in(trailer), ARGV[1])) then removed = removed + redis.call('SREM', KEYS[1], KEYS[i]) end
end
return removed
