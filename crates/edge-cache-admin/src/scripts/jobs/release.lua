-- Ends the lease of a worker that stops.
-- KEYS: 1 the lease
-- ARGV: 1 the worker
-- Reply: 1 when the worker had it, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
