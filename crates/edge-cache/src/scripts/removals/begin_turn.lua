-- Begins a turn of the gathered walk, unless another caller has begun it.
-- KEYS: 1 the state, 2 the patterns, 3 the announcement, 4 a key that never exists
-- ARGV: 1 the turn's number
-- Reply: empty when the turn is another's; else the next turn's number, then the patterns of the walk: none when nothing is left
-- Cost: in proportion to the gathered patterns.
if next_turn(KEYS[1]) ~= ARGV[1] then return {} end
redis.call('DEL', KEYS[4])
local following = redis.call('HINCRBY', KEYS[1], 'turn', 1)

local state = redis.call('HMGET', KEYS[1], 'newest', 'run_id')
local newest = state[1]
if not newest then
  newest = '0-0'
  for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
    if is_later(id, newest) then newest = id end
  end
end
local ids, texts = patterns_until(KEYS[2], newest)
if #ids == 0 then
  redis.call('HDEL', KEYS[1], 'newest', 'cursor', 'removed', 'run_id')
  redis.call('UNLINK', KEYS[3])
  return { following }
end

-- A cursor means nothing to another process of the server, whose keys are in another order.
local info = redis.pcall('INFO', 'server')
local run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
if not state[1] or state[2] ~= run_id then
  redis.call('HSET', KEYS[1], 'newest', newest, 'cursor', '0', 'run_id', run_id)
end
expect_turn(KEYS[3])
return { following, texts }
