-- Lets a waiter whose `lock_wait` is over load a key although another caller holds its load lock: one waiter in each `lock_wait`.
-- KEYS: 1 the record of the key's last extra load, 2 the order of loads and waiters
-- ARGV: 1 the waiter's `lock_wait` in ms
-- Reply: 1 and the load's number; or 0, and for how many ms no other waiter begins one
-- Cost: constant.
if hold_of(KEYS[1], KEYS[1]) ~= 0 then return { 0, redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return { 1, next_number(KEYS[2]) }
