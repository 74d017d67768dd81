-- Reads the fences since a stamp.
-- KEYS: 1 the fences
-- ARGV: 1 the stamp
-- Reply: empty when there are none, or that of fences_since
-- Cost: in proportion to the new fences.
return fences_since(KEYS[1], ARGV[1]) or {}
