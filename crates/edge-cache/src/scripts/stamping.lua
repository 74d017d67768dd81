-- Stands before scripts that begin a load: the newest fence, which whoever stores what was loaded must show. Where there is none one
-- is made: a server that evicts may take them all, and a stamp that no fence has is known to be older than what has come since.
local function stamp(fences)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or first_fence(fences, '4294967296', 'begin', '')
end

