-- Reads how long keys of one slot live, and the trailers of their values.
-- KEYS: the names, up to 1,000
-- ARGV: 1 '1' to read trailers, too, which counts as a use of the keys
-- Reply: per key four: its PTTL (-2: no such key; at most 2^53 - 1), its trailer or '', the first four bytes of a string or '', the length
--        of the value and the trailer together
-- Cost: one command a key, five with trailers; 1,000 are a few milliseconds.
local reply = {}
local function put_trailer(name, at)
  local trailer, length = trailer_of(name)
  local beginning = redis.pcall('GETRANGE', name, 0, 3)
  if type(beginning) == 'table' then beginning = '' end
  reply[at + 1], reply[at + 2], reply[at + 3] = trailer or '', beginning, length or 0
end
for i, name in ipairs(KEYS) do
  local at, left = 4 * i - 3, redis.call('PTTL', name)
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = math.min(left, 9007199254740991), '', '', 0
  if ARGV[1] == '1' and left ~= -2 then put_trailer(name, at) end
end
record_own_reads()
return reply
