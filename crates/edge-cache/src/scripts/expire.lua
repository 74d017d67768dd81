-- Changes when a key expires, and with it its companion and the chunks of its value. Its tags know it as long.
-- KEYS: 1 the key, 2 its companion
-- ARGV: 1 milliseconds, or '' to keep the key for ever, 2 milliseconds that a tag's set then lives
-- Reply: 1 when the key exists, else 0; then its PTTL
-- Cost: constant, and per tag and chunk.
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, -2 } end
local life = ARGV[1] ~= '' and ARGV[1]
local known = redis.pcall('HMGET', KEYS[2], 'tags', 'chunks')
if known.err then known = {} end

-- What other keys need too is never shortened.
local function prolong(key, before)
  if before ~= -1 and before < tonumber(life or ARGV[2]) then redis.call('PEXPIRE', key, life or ARGV[2]) end
end
for tag in string.gmatch(known[1] or '', '[^\n]+') do
  local set = 'cache:tags:' .. tag
  local before = redis.call('PTTL', set)
  if type(redis.pcall('SADD', set, KEYS[1])) == 'number' then prolong(set, before) end
end

local keys = { KEYS[1], KEYS[2] }
local id, count = string.match(known[2] or '', '^(%w+) (%d+)$')
for i = 1, tonumber(count or 0) do keys[#keys + 1] = 'cache:chunk:{' .. KEYS[1] .. '}:' .. id .. ':' .. i end
if count then prolong('cache:chunked', redis.call('PTTL', 'cache:chunked')) end
for _, key in ipairs(keys) do
  if life then redis.call('PEXPIRE', key, life) else redis.call('PERSIST', key) end
end
return { 1, redis.call('PTTL', KEYS[1]) }
