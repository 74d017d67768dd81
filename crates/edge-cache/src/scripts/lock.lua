-- Prolongs or releases a lock, if it is still ours.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 milliseconds to prolong by, or '0' to release
-- Reply: 1 when it was ours, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  release(KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  hold(ARGV[2])
end
return 1
