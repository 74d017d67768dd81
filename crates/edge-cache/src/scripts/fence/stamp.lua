-- Takes the stamp of a load that begins.
-- KEYS: 1 the fences
-- Reply: the stream's epoch, the newest fence's id
-- Cost: constant.
return { take_stamp(KEYS[1]) }
