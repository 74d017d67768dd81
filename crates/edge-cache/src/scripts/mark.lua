-- Notes that the database has values in chunks for so long.
-- KEYS: 1 the mark
-- ARGV: 1 milliseconds
-- Reply: 1
-- Cost: constant.
mark(ARGV[1])
return 1
