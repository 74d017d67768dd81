-- A script of old instances.
hand_over(KEYS[2], tonumber(ARGV[2]) or 0, ARGV[3])
if redis.pcall('GET', KEYS[1]) == ARGV[1] then release(KEYS[1]) end
return 1
