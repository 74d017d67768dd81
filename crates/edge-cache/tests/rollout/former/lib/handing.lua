-- A part of the scripts of old instances.
local function hand_over(waiting, below, value)
  if value == '' or #value > 1048576 or not may_be_there(waiting) then return end
  below = below or turn()
  local earlier = redis.pcall('GETRANGE', waiting, 0, 20)
  if type(earlier) ~= 'string' or (tonumber(string.match(earlier, '^%d+')) or 0) > below then return end
  redis.pcall('SET', waiting, string.format('%.0f\n', below) .. value, 'PX', 3000)
end
