-- Reads a cached value with what is known of its age.
-- KEYS: 1 the key, 2 its companion, 3 its lock
-- Reply: the value or nil, PTTL (-2: no such key), whole life in ms, grace in ms, load time in ms ('' where unknown),
--        1 when the lock is held (else 0), which writing of the value this is ('' where there is none)
-- Cost: constant but for the value's size.
local facts = redis.pcall('HMGET', KEYS[2], 'life', 'grace', 'load', 'writing')
if facts.err then facts = {} end
-- A key of another type is no cached value.
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then value = false end
local left = redis.call('PTTL', KEYS[1])
local writing = left ~= -2 and (facts[4] or 'unknown') or ''
return { value, left, facts[1] or '', facts[2] or '', facts[3] or '', redis.call('EXISTS', KEYS[3]), writing }
