-- Changes the expiry of keys of one slot, and the trailers of those that are entries, unless a key was written since its trailer was read.
-- KEYS: 1 the registration of near caches, 2 the near fences; then the names, up to 700
-- ARGV: 1 the keys to change: 'any', 'longer' those that live longer than the new expiry, 'shorter' those that live shorter, 'endless'
--       those without an expiry; 2 milliseconds, or '': keys with no more left do not get a longer life, because their store may not be
--       confirmed yet; then four for each key: the trailer that was read, '' for a foreign value; the number of bytes at the end to
--       replace, and their replacement; milliseconds until the key expires, '' to remove the expiry
-- Reply: per key 1 when it was changed, 0 when the value was written in between, 2 when it needs no change or is gone
-- Cost: a few commands a key; 700 are a few milliseconds. No value is copied.
local needed_by, provision, changed, reply = ARGV[1], tonumber(ARGV[2]), {}, {}
local function is_unconfirmed(left, expiry)
  return provision and left >= 0 and left <= provision and (expiry == '' or tonumber(expiry) > left)
end
local function needs(left, expiry)
  if left == -2 or (expiry == '' and left == -1) or is_unconfirmed(left, expiry) then return false end
  if needed_by == 'longer' then return left == -1 or left > tonumber(expiry) end
  if needed_by == 'shorter' then return left >= 0 and left < tonumber(expiry) end
  return needed_by == 'any' or left == -1
end

local function replace_trailer(name, length, replaced, new)
  if redis.call('TYPE', name).ok == 'string' then
    redis.call('SETRANGE', name, length - replaced, new)
  else
    redis.call('LSET', name, 0, string.sub(redis.call('LINDEX', name, 0), 1, -replaced - 1) .. new)
  end
end

local function change(name, old, replaced, new, expiry)
  if not needs(redis.call('PTTL', name), expiry) then return 2 end
  local trailer, length = trailer_of(name)
  if (trailer or '') ~= old then return 0 end

  if new ~= '' then replace_trailer(name, length, replaced, new) end
  if expiry == '' then redis.call('PERSIST', name) else redis.call('PEXPIRE', name, expiry) end
  changed[#changed + 1] = name
  return 1
end

for i = 3, #KEYS do
  local at = 4 * i - 9
  reply[i - 2] = change(KEYS[i], ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3])
end
if near_interval(KEYS[1]) > 0 then append_near_fences(KEYS[2], changed) end
return reply
