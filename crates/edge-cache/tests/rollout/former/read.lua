-- A script of old instances.
local value = redis.pcall('GET', KEYS[1])
local left = value and redis.call('PTTL', KEYS[1]) or -2
if type(value) == 'table' then value = false end
local facts = {}
if left ~= -2 and may_be_there(KEYS[2]) then
  facts = redis.pcall('HMGET', KEYS[2], 'life', 'grace', 'load', 'writing', 'tags')
  if facts.err then facts = {} end
end
local writing = left ~= -2 and (facts[4] or 'unknown') or ''
for name in string.gmatch(facts[5] or '', '[^\n]+') do
  local set = 'cache:tags:' .. name
  if redis.pcall('SISMEMBER', set, KEYS[1]) == 0 then tag(set, left >= 0 and left or ARGV[1], KEYS[1]) end
end
local fresh = value and (left == -1 or left > (tonumber(facts[2] or 0) or 0))
local locked = not fresh and there(KEYS[3])
local reply = { value, left, facts[1] or '', facts[2] or '', facts[3] or '', locked and 1 or 0, writing }
if not KEYS[4] then return reply end
local number, found = tonumber(ARGV[2]) or turn(), ''
local handed = not fresh and may_be_there(KEYS[4]) and redis.pcall('GETRANGE', KEYS[4], 0, 20)
if type(handed) == 'string' and handed ~= '' then
  local below = string.match(handed, '^(%d+)\n')
  if below and number > 0 and number < tonumber(below) then found = redis.call('GETRANGE', KEYS[4], #below + 1, -1) end
elseif not fresh and redis.call('PTTL', KEYS[4]) < 1500 then
  redis.pcall('SET', KEYS[4], '', 'PX', 3000)
end
reply[8] = number > 0 and string.format('%.0f', number) or ''
reply[9] = found
return reply
