-- Stands before scripts that give a key a tag. The tag's set then lives at least as long as the key, and no longer than its
-- longest-lived one. Number of names that are new in the set, or the server's refusal.
local function tag(set, life, ...)
  local before = redis.call('PTTL', set)
  local added = redis.pcall('SADD', set, ...)
  -- A set that another client keeps for ever (-1) stays so; a new one (-2) or one that would end too early is prolonged.
  if type(added) == 'number' and before ~= -1 and before < tonumber(life) then redis.call('PEXPIRE', set, life) end
  return added
end

-- The same for all of a key's tags, joined by newlines.
local function tag_all(tags, life, ...)
  for name in string.gmatch(tags, '[^\n]+') do tag('cache:tags:' .. name, life, ...) end
end

-- Stands before scripts that let chunks of values live: removals look for chunks only while this mark is there.
local function mark(life)
  local left = redis.call('PTTL', 'cache:chunked')
  if left ~= -1 and left < tonumber(life) then redis.call('SET', 'cache:chunked', 1, 'PX', life) end
end

-- Changes when a key expires, and with it its companion and the chunks of its value. Its tags know it as long.
-- KEYS: 1 the key, 2 its companion
-- ARGV: 1 milliseconds, or '' to keep the key for ever, 2 milliseconds that a tag's set then lives
-- Reply: 1 when the key exists, else 0; then its PTTL
-- Cost: constant, and per tag and chunk.
local before = redis.call('PTTL', KEYS[1])
if before == -2 then return { 0, -2 } end
local life = ARGV[1] ~= '' and ARGV[1]
local known = redis.pcall('HMGET', KEYS[2], 'tags', 'chunks', 'life', 'grace')
if known.err then known = {} end

tag_all(known[1] or '', life or ARGV[2], KEYS[1])

local keys = { KEYS[1], KEYS[2] }
local id, count = string.match(known[2] or '', '^(%w+) (%d%d?%d?)$')
for i = 1, tonumber(count or 0) do keys[#keys + 1] = 'cache:chunk:{' .. KEYS[1] .. '}:' .. id .. ':' .. i end
if count then mark(life or ARGV[2]) end
for _, key in ipairs(keys) do
  if life then redis.call('PEXPIRE', key, life) else redis.call('PERSIST', key) end
end

-- The value is fresh until then, and no longer served after: the time asked for is not one to be stretched. Its age is known as
-- long as its end before and after is.
if known[3] or known[4] then
  local whole = tonumber(known[3] or '')
  local aged = whole and before >= 0 and life and whole - before + tonumber(life)
  redis.call('HSET', KEYS[2], 'grace', '0', 'life', aged and string.format('%d', aged) or '')
end
return { 1, redis.call('PTTL', KEYS[1]) }
