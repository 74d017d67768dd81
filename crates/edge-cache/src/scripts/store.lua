-- Stores a loaded value, if no invalidation has come since its load began.
-- KEYS: 1 the key, 2 its companion, 3 its lock, 4 the fences, 5 what callers wait at
-- ARGV: 1 the owner's random value, 2 the stamp taken before the load, 3 whole life in ms, 4 grace in ms,
--       5 load time in ms, 6 tags joined by newlines, 7 the value,
--       8 '' or, for a value stored in chunks, their id and number ('id 3'); the value is then their manifest
-- Reply: 'stored'; 'lost' when the lock is not ours any more (its lease ended, or the key was invalidated);
--        or what fences_since replies. The caller looks whether one of them means this key, and stores with the newer
--        stamp if not.
-- Cost: constant but for the value's size, and a command or two a tag.
if redis.call('GET', KEYS[3]) ~= ARGV[1] or redis.call('SISMEMBER', 'cache:loading', KEYS[3]) == 0 then return { 'lost' } end

local fenced = fences_since(KEYS[4], ARGV[2])
if fenced then return fenced end

-- The first change of a script is the one that a full server refuses.
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[3])
untag(KEYS[1], KEYS[2], ARGV[6])
forget({ KEYS[1] })
accompany(KEYS[2], ARGV[3], 'grace', ARGV[4], 'load', ARGV[5], 'tags', ARGV[6], 'chunks', ARGV[8], 'writing', ARGV[1])
tag_all(ARGV[6], ARGV[3], KEYS[1])
release(KEYS[3])
-- Whoever waits now may have it, whatever comes before they look again.
if ARGV[8] == '' then hand_over(KEYS[5], nil, ARGV[7]) end
return { 'stored' }
