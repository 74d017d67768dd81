-- Reads a cached value with what is known of its age.
-- KEYS: 1 the key, 2 its companion, 3 its lock; from callers who wait for a load: 4 what they wait at
-- ARGV: 1 milliseconds that the set of a tag lives whose key does not expire; 2 the number of the caller who waits, '' at first
-- Reply: the value or nil, PTTL (-2: no such key), whole life in ms, grace in ms, load time in ms ('' where unknown),
--        1 when the lock is held (else 0, and where the value is fresh: who has one need not know), which writing of the value
--        this is ('' where there is none); to callers who wait their number, and the value of a load that they may have
--        ('' where there is none)
-- Cost: constant but for the value's size, and one command a tag.
local value = redis.pcall('GET', KEYS[1])
local left = value and redis.call('PTTL', KEYS[1]) or -2
-- A key of another type is no cached value.
if type(value) == 'table' then value = false end
local facts = {}
if left ~= -2 and may_be_there(KEYS[2]) then
  facts = redis.pcall('HMGET', KEYS[2], 'life', 'grace', 'load', 'writing', 'tags')
  if facts.err then facts = {} end
end
local writing = left ~= -2 and (facts[4] or 'unknown') or ''
-- To look into a tag's set counts as a use of it: a server that evicts does not take it before the keys that need it. One that
-- was taken all the same knows the key again.
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
