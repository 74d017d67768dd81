-- Reads a cached value with what is known of its age.
-- KEYS: 1 the key, 2 its companion, 3 its lock
-- ARGV: 1 milliseconds that the set of a tag lives whose key does not expire
-- Reply: the value or nil, PTTL (-2: no such key), whole life in ms, grace in ms, load time in ms ('' where unknown),
--        1 when the lock is held (else 0, and where the value is fresh: who has one need not know), which writing of the value
--        this is ('' where there is none)
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
return { value, left, facts[1] or '', facts[2] or '', facts[3] or '', locked and 1 or 0, writing }
