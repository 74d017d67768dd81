-- Reads an entry for a caller that waits for a load.
-- KEYS: 1 the key, 2 its lock, 3 the key's value for waiters, 4 the order of loads and waiters
-- ARGV: 1 the waiter's number, '' if it has none yet
-- Reply: 1 when the lock is held, 2 when it keeps callers from loading who have a value, 3 when a load has just failed, else 0; the error of
--        that load, or ''; the waiter's number ('' where Redis refuses to write); the value of a load that the waiter may take, or '';
--        'none', 'value' or 'other' (perhaps a value in chunks); then the value
-- Cost: constant but for the value's size.

-- Returns the value of a load that this waiter may take, or ''. The first waiter creates the key: loads then leave their value there.
local function read_for_waiter(waiting, number)
  local head = probably_exists(waiting) and redis.pcall('GETRANGE', waiting, 0, 20)
  if type(head) == 'string' and head ~= '' then
    local below = string.match(head, '^(%d+)\n')
    if below and number > 0 and number < tonumber(below) then return redis.call('GETRANGE', waiting, #below + 1, -1) end
  elseif redis.call('PTTL', waiting) < 1500 then
    redis.pcall('SET', waiting, '', 'PX', 3000)
  end
  return ''
end

local number = tonumber(ARGV[1]) or next_number(KEYS[4])
local known = number > 0 and string.format('%.0f', number) or ''
local handed = read_for_waiter(KEYS[3], number)
local locked, failure = hold_of(KEYS[2], KEYS[1])
failure = failure or ''

local value = redis.pcall('GET', KEYS[1])
if not value then return { locked, failure, known, handed, 'none' } end
if type(value) == 'table' then return { locked, failure, known, handed, 'other' } end
return { locked, failure, known, handed, 'value', value }
