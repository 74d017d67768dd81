-- A script of old instances.
mark(ARGV[1])
return 1
