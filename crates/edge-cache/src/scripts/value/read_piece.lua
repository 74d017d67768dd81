-- Reads a piece of a string, or its hash.
-- KEYS: 1 the key
-- ARGV: 1 the first byte, 2 the last byte, 3 'bytes' or 'hash'
-- Reply: bytes of the whole string (0: it is gone, or has another type), the piece or its SHA-1
-- Cost: reads the piece; a hash takes 3 us per KiB.
local length = redis.pcall('STRLEN', KEYS[1])
if type(length) ~= 'number' then length = 0 end
local piece = length > 0 and redis.call('GETRANGE', KEYS[1], ARGV[1], ARGV[2]) or ''
record_own_reads()
return { length, ARGV[3] == 'hash' and redis.sha1hex(piece) or piece }
