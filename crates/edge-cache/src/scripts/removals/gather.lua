-- Records invalidations by pattern, and leaves their removal to the gathered walk.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the state, 4 the patterns, 5 the announcement, 6 the patterns of soft purges
-- ARGV: 1 for soft purges the soft grace in ms, '' for removals; then the patterns
-- Reply: the number of the turn that the caller is to announce, or ''
-- Cost: constant for each pattern, but for a trim now and then.
ensure_hash(KEYS[3])
ensure_hash(KEYS[4])
ensure_hash(KEYS[6])
local grace = ARGV[1]
for i = 2, #ARGV do
  if grace == '' then
    redis.call('HSET', KEYS[4], append_fence(KEYS[1], KEYS[2], 'pattern', ARGV[i]), ARGV[i])
  else
    local id = append_fence(KEYS[1], KEYS[2], 'stale ' .. grace .. ' pattern', ARGV[i])
    redis.call('HSET', KEYS[6], id, grace .. ' ' .. ARGV[i])
  end
end
return turn_to_announce(KEYS[3], KEYS[5])
