-- Takes the stamp of a load that begins.
-- KEYS: 1 the fences
-- Reply: the newest fence's id
-- Cost: constant.
return stamp(KEYS[1])
