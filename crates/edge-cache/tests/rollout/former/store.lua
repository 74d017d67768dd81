-- A script of old instances.
if redis.call('GET', KEYS[3]) ~= ARGV[1] or redis.call('SISMEMBER', 'cache:loading', KEYS[3]) == 0 then return { 'lost' } end
local fenced = fences_since(KEYS[4], ARGV[2])
if fenced then return fenced end
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[3])
untag(KEYS[1], KEYS[2], ARGV[6])
forget({ KEYS[1] })
accompany(KEYS[2], ARGV[3], 'grace', ARGV[4], 'load', ARGV[5], 'tags', ARGV[6], 'chunks', ARGV[8], 'writing', ARGV[1])
tag_all(ARGV[6], ARGV[3], KEYS[1])
release(KEYS[3])
if ARGV[8] == '' then hand_over(KEYS[5], nil, ARGV[7]) end
return { 'stored' }
