-- A script of old instances.
return fence(KEYS[1], ARGV[1], ARGV[2])
