-- Stores a loaded value, if no invalidation has come since its load began.
-- KEYS: 1 the key, 2 its companion, 3 its lock, 4 the fences
-- ARGV: 1 the owner's random value, 2 the stamp taken before the load, 3 whole life in ms, 4 grace in ms,
--       5 load time in ms, 6 tags joined by newlines, 7 the value,
--       8 '' or, for a value stored in chunks, their id and number ('id 3'); the value is then their manifest
-- Reply: 'stored'; 'lost' when the lock is not ours any more (its lease ended, or the key was invalidated);
--        or 'fenced', the newest stamp, then per invalidation since ours two: its kind ('pattern', 'tag' or 'unknown')
--        and what it named. The caller looks whether one of them means this key, and stores with the newer stamp if not.
-- Cost: constant but for the value's size.
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return { 'lost' } end

local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
local newest = last[1] and last[1][1] or '0-0'
if newest ~= ARGV[2] then
  local reply = { 'fenced', newest }
  local entries = redis.call('XRANGE', KEYS[4], ARGV[2], '+')
  local complete = ARGV[2] == '0-0' or (entries[1] and entries[1][1] == ARGV[2])
  -- Some have been trimmed already: they may have meant this key.
  if not complete then reply[3] = 'unknown'; reply[4] = '' end
  for _, entry in ipairs(entries) do
    if entry[1] ~= ARGV[2] then
      reply[#reply + 1] = entry[2][1]
      reply[#reply + 1] = entry[2][2]
    end
  end
  return reply
end

local id, count = string.match(redis.pcall('HGET', KEYS[2], 'chunks') or '', '^(%w+) (%d+)$')
for i = 1, tonumber(count or 0) do
  redis.call('UNLINK', 'cache:chunk:' .. string.sub(KEYS[2], 12) .. ':' .. id .. ':' .. i)
end
redis.call('UNLINK', KEYS[2])
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], 'life', ARGV[3], 'grace', ARGV[4], 'load', ARGV[5], 'tags', ARGV[6], 'chunks', ARGV[8], 'writing', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('UNLINK', KEYS[3])
return { 'stored' }
