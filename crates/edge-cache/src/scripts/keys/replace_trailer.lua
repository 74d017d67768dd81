-- Changes what is known of an entry, and when it expires, unless it was written since its trailer was read.
-- KEYS: 1 the key, 2 the registration of near caches, 3 the near fences
-- ARGV: 1 the trailer that was read, '' for another client's value; 2 how many bytes at the end are replaced, 3 by what; 4 milliseconds
--       until the key expires, '' to remove the expiry, 'keep' to leave it
-- Reply: 1 when it was changed, 0 when the value is another one by now; then its PTTL (-2: no such key)
-- Cost: constant. The value is not copied.
local key, old, replaced, new, expiry = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local left = redis.call('PTTL', key)
if left == -2 then return { 0, left } end
local trailer, length = trailer_of(key)
if (trailer or '') ~= old then return { 0, left } end

if new ~= '' then
  if redis.call('TYPE', key).ok == 'string' then
    redis.call('SETRANGE', key, length - replaced, new)
  else
    redis.call('LSET', key, 0, string.sub(redis.call('LINDEX', key, 0), 1, -replaced - 1) .. new)
  end
end

if expiry == '' then
  redis.call('PERSIST', key)
elseif expiry ~= 'keep' then
  redis.call('PEXPIRE', key, expiry)
end
if near_interval(KEYS[2]) > 0 then append_near_fences(KEYS[3], { key }) end
return { 1, redis.call('PTTL', key) }
