-- Groups of keys by the segments of their names (src/admin/analysis/segments.rs has the same rules).
local MAX_SEGMENT_BYTES, ID = 128, '{id}'

local function is_uuid(segment) return #segment == 36 and string.find(segment, '^%x+%-%x+%-%x+%-%x+%-%x+$') ~= nil end

-- Numbers, dates and addresses; UUIDs; 8 and more hexadecimal digits; 16 and more letters and digits with two digits among them; 20 and
-- more with '-' or '_' among them, in both cases and with a digit. Braces of a hash tag do not count.
local function is_id(segment)
  segment = string.match(segment, '^{?(.-)}?$')
  if string.find(segment, '^%d[%d._-]*$') then return true end
  if #segment < 8 or not string.find(segment, '%d') then return false end
  if string.find(segment, '^%x+$') or is_uuid(segment) then return true end
  if #segment >= 16 and string.find(segment, '^%w+$') then return string.find(segment, '%d.*%d') ~= nil end
  return #segment >= 20 and string.find(segment, '^[%w_-]+$') ~= nil and string.find(segment, '%u') ~= nil
    and string.find(segment, '%l') ~= nil
end

-- Segments of this call that are not ids; most names share a few of them.
local is_word = {}
local function shown(segment)
  if is_word[segment] then return segment end
  if #segment > MAX_SEGMENT_BYTES or is_id(segment) then return ID end
  is_word[segment] = true
  return segment
end

-- Calls `add` with each group of a key, from the module down to `depth`: the group above it, whether its keys go on behind the segment, and the
-- segment. `add` returns the group.
--
-- The last segment is a group if it is an id, or if one before it is: there are few of those. Else it would be a group of one key.
local function each_group(name, root, depth, add)
  if is_protected(name) then return add(root, true, string.sub(name, 1, 1) == 'c' and 'cache' or 'lock') end
  local group, first, has_id = root, 1, false
  for level = 1, depth do
    local colon = string.find(name, ':', first, true)
    local segment = shown(string.sub(name, first, colon and colon - 1))
    has_id = has_id or segment == ID
    if colon then
      group = add(group, true, segment)
      first = colon + 1
    else
      if has_id then add(group, false, segment) elseif level == 1 then add(group, false, '') end
      return
    end
  end
end

