-- A script of old instances.
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
if known[3] or known[4] then
  local whole = tonumber(known[3] or '')
  local aged = whole and before >= 0 and life and whole - before + tonumber(life)
  redis.call('HSET', KEYS[2], 'grace', '0', 'life', aged and string.format('%d', aged) or '')
end
return { 1, redis.call('PTTL', KEYS[1]) }
