-- Reads a whole value, or that of one field of a hash, if it is not too long.
-- KEYS: 1 the key
-- ARGV: 1 'field' or 'value', 2 the field, 3 how many bytes at most
-- Reply: type ('none' when there is no key), 'ok', 'none' (no such field), 'long' or 'other' (a type that has no such value), the value
-- Cost: reads the value, at most ARGV[3] bytes.
local key = KEYS[1]
local kind = redis.call('TYPE', key).ok
local state, value = 'other', ''
local most = tonumber(ARGV[3])

if kind == 'string' and ARGV[1] == 'value' then
  state = redis.call('STRLEN', key) > most and 'long' or 'ok'
  if state == 'ok' then value = redis.call('GET', key) end
elseif kind == 'hash' and ARGV[1] == 'field' then
  local length = redis.call('HSTRLEN', key, ARGV[2])
  local found = length <= most and redis.call('HGET', key, ARGV[2])
  state = length > most and 'long' or (found and 'ok' or 'none')
  value = found or ''
end
record_own_reads()
return { kind, state, value }
