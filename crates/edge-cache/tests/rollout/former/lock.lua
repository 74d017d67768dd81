-- A script of old instances.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  release(KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  hold(ARGV[2])
end
return 1
