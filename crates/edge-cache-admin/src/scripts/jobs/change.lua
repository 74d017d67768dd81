-- Moves a job to another state, if it has one of the expected states.
-- KEYS: 1 the records, 2 the states, 3 a key that never exists
-- ARGV: 1 the job's id, 2 the next state; then the expected states
-- Reply: 'missing'; or 'refused' or 'changed', then the state that the job had, and its record
-- Cost: constant.
local state, record = redis.call('HGET', KEYS[2], ARGV[1]), redis.call('HGET', KEYS[1], ARGV[1])
if not (state and record) then return { 'missing' } end
for i = 3, #ARGV do
  if ARGV[i] == state then
    redis.call('DEL', KEYS[3])
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    return { 'changed', state, record }
  end
end
return { 'refused', state, record }
