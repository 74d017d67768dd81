-- A script of old instances.
return tag(KEYS[1], ARGV[1], unpack(ARGV, 2))
