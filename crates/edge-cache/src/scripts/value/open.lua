-- Begins to read a whole value: says how it is stored, and reads its beginning.
-- KEYS: 1 the key
-- ARGV: 1 how many bytes of a string
-- Reply: type ('none' when there is no key: nothing follows), bytes of a string, its trailer or '', the length of what the trailer closes,
--        the beginning of a string, or the first element of a value in chunks ('' for any other type)
-- Cost: reads at most ARGV[1] bytes.
local key = KEYS[1]
local kind = redis.call('TYPE', key).ok
if kind == 'none' then
  record_own_reads()
  return { kind }
end

local length, beginning = 0, ''
local trailer, closed = trailer_of(key)
if kind == 'string' then
  length = redis.call('STRLEN', key)
  beginning = redis.call('GETRANGE', key, 0, ARGV[1] - 1)
elseif trailer then
  beginning = redis.call('LINDEX', key, 0)
end
record_own_reads()
return { kind, length, trailer or '', closed or 0, beginning }
