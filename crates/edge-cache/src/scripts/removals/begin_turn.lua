-- Begins a turn of the gathered walk, unless another caller has begun it.
-- KEYS: 1 the state, 2 the patterns, 3 the announcement, 4 a key that never exists, 5 the patterns of soft purges
-- ARGV: 1 the turn's number
-- Reply: empty when the turn is another's; else the next turn's number, the number of patterns of the walk, then these, then for each soft
--        purge of the walk its fence and its pattern, after its soft grace and a space: no patterns when nothing is left
-- Cost: in proportion to the gathered patterns.
if next_turn(KEYS[1]) ~= ARGV[1] then return {} end
redis.call('DEL', KEYS[4])
local following = redis.call('HINCRBY', KEYS[1], 'turn', 1)

local state = redis.call('HMGET', KEYS[1], 'newest', 'run_id')
local newest = state[1]
if not newest then
  newest = '0-0'
  for _, patterns in ipairs({ KEYS[2], KEYS[5] }) do
    for _, id in ipairs(redis.call('HKEYS', patterns)) do
      if is_later(id, newest) then newest = id end
    end
  end
end
local ids, texts = patterns_until(KEYS[2], newest)
local soft_ids, soft_texts = patterns_until(KEYS[5], newest)
if #ids + #soft_ids == 0 then
  redis.call('HDEL', KEYS[1], 'newest', 'cursor', 'removed', 'stale', 'run_id')
  redis.call('UNLINK', KEYS[3])
  return { following, 0 }
end

-- A cursor means nothing to another process of the server, whose keys are in another order.
local info = redis.pcall('INFO', 'server')
local run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
if not state[1] or state[2] ~= run_id then
  redis.call('HSET', KEYS[1], 'newest', newest, 'cursor', '0', 'run_id', run_id)
end
expect_turn(KEYS[3])
local soft = {}
for i, id in ipairs(soft_ids) do
  soft[2 * i - 1] = id
  soft[2 * i] = soft_texts[i]
end
return { following, #texts, texts, soft }
