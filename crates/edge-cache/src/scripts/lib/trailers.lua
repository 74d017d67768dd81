-- Trailers of entries (src/keyspace/trailer.rs has their layout): reading, not checking them.
local BITS = { [' '] = 0, ['\t'] = 1, ['\n'] = 2, ['\r'] = 3 }
local function byte_of(a, b, c, d) return 64 * BITS[a] + 16 * BITS[b] + 4 * BITS[c] + BITS[d] end

-- Returns the length of the trailer that ends like this; nil where it is none.
local function size_of_trailer(ending)
  local a, b, c, d, e, f, g, h = string.match(ending, '^([ \t\n\r])' .. string.rep('([ \t\n\r])', 7) .. '$')
  if not a then return nil end
  local size = 4 * (256 * byte_of(a, b, c, d) + byte_of(e, f, g, h))
  return size > 0 and size or nil
end

-- Returns an entry's trailer and the length of all that stands before and in it; nil for another client's value. A value in chunks has
-- its trailer in the first element of a list.
local function trailer_of(key)
  local ending = redis.pcall('GETRANGE', key, -8, -1)
  local first
  if type(ending) == 'table' then
    first = redis.pcall('LINDEX', key, 0)
    if type(first) ~= 'string' then return nil end
    ending = string.sub(first, -8)
  end

  local size = size_of_trailer(ending)
  if not size then return nil end
  local trailer = first and string.sub(first, -size) or redis.call('GETRANGE', key, -size, -1)
  -- Another client's value may end in whitespace, too. A trailer begins with its version, 1.
  if #trailer < size or not string.find(trailer, '^   \t[ \t\n\r]*$') then return nil end
  return trailer, first and #first or redis.call('STRLEN', key)
end

-- Returns the tags in a trailer, joined by newlines, or ''.
local function tags_in(trailer)
  local bytes = string.gsub(string.sub(trailer, 1, -21), '(.)(.)(.)(.)', function(a, b, c, d)
    if not (BITS[a] and BITS[b] and BITS[c] and BITS[d]) then return '\0' end
    return string.char(byte_of(a, b, c, d))
  end)
  -- Behind version and time stand three numbers, the epoch, and two numbers; a byte below 128 ends each number.
  local number = '[\128-\255]*[%z\1-\127]'
  local _, last = string.find(bytes, '^.......' .. number .. number .. number .. '....' .. number .. number)
  return last and string.sub(bytes, last + 1) or ''
end

local function has_tag(tags, tag) return string.find('\n' .. tags .. '\n', '\n' .. tag .. '\n', 1, true) ~= nil end
