-- Reads what is known of an entry.
-- KEYS: 1 the key
-- Reply: its PTTL (-2: no such key; nothing follows), its trailer or '', the first four bytes of a string or '', the length of the value and
--        the trailer together
-- Cost: constant.
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return { left } end
local trailer, length = trailer_of(KEYS[1])
local beginning = redis.pcall('GETRANGE', KEYS[1], 0, 3)
if type(beginning) == 'table' then beginning = '' end
return { left, trailer or '', beginning, length or 0 }
