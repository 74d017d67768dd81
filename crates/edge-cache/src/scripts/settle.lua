-- Removes chunks unless the value that they were written for is there.
-- KEYS: 1 the key's companion; then the chunks
-- ARGV: 1 the chunks' id and number, as the companion names them
-- Reply: number of chunks removed
-- Cost: constant, and per chunk.
if redis.pcall('HGET', KEYS[1], 'chunks') == ARGV[1] then return 0 end
return redis.call('UNLINK', unpack(KEYS, 2))
