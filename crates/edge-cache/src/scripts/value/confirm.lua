-- Confirms or withdraws a provisional entry, unless it was written again since.
-- KEYS: 1 the key
-- ARGV: 1 the end of what was written, '' for a collection; 2 how long it lives in ms, '' to remove it; 3 for how long at most a
--       provisional entry lives, in ms
-- Reply: 1 when it was still that entry, else 0
-- Cost: constant.
local function last_bytes(count)
  local text = redis.pcall('GETRANGE', KEYS[1], -count, -1)
  if type(text) == 'string' then return text end
  local first = redis.pcall('LINDEX', KEYS[1], 0)
  return type(first) == 'string' and string.sub(first, -count) or ''
end

local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[3]) then return 0 end
if ARGV[1] ~= '' and last_bytes(#ARGV[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('UNLINK', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
