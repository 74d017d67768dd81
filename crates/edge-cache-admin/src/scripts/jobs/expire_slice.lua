-- Changes the expiry of keys of a slice of a job's walk in order, and stores counts and position in the same step. It stops at a key that
-- was written since its trailer was read.
-- KEYS: 1 the part, 2 the registration of near caches, 3 the near fences; then the names, up to 700, in order. On a Cluster none
-- ARGV: 1 on a Cluster, the part, in a slot of the node; 2 the TTL of the part in ms, 3 the server's run id, 4 the cursor of the slice,
--       5 the mark, 6 the next cursor ('end' after the last slice), or '' if more names of the slice follow, 7 the keys walked, 8 the keys
--       that have appeared since the dry run; 9 and 10 the keys to change and the provision (lib/lives.lua); four for each name: the trailer that was read, the number
--       of bytes to replace, their replacement, the milliseconds left, or 'keep', or 'fail' for a key that is written too often; on a
--       Cluster, then the names
-- Reply: 'refused' and the error, with nothing done, when the node does not serve the part; 'moved' when the part is elsewhere; or 'ok',
--        cursor, mark, run id, the counts, how many names were handled, then names that the node refuses to change
-- Cost: about ten commands a key; 700 are a few milliseconds. No value is copied.
local part, is_on_node = KEYS[1] or ARGV[1], #KEYS == 0
local moved = check_part(part, ARGV[3], ARGV[4], ARGV[5])
if moved then return moved end

local count = is_on_node and (#ARGV - 10) / 5 or #KEYS - 3
local function name_of(i) return is_on_node and ARGV[10 + 4 * count + i] or KEYS[3 + i] end
local change = lives_changer(ARGV[9], tonumber(ARGV[10]))
local added, changed, of_node = { matched = 0, changed = 0, failed = 0 }, {}, {}
local function add(name) added[name] = (added[name] or 0) + 1 end

local function handle(name, at)
  local left, expiry = redis.pcall('PTTL', name), ARGV[at + 3]
  if type(left) ~= 'number' then
    of_node[#of_node + 1] = name
    return true
  end
  if left == -2 then return true end
  local outcome = 2
  if expiry ~= 'keep' and expiry ~= 'fail' then outcome = change(name, ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], expiry) end
  if outcome == 0 then return false end

  add('matched')
  add('before' .. class_of(left))
  add('after' .. class_of(outcome == 1 and (tonumber(expiry) or -1) or left))
  if expiry == 'fail' then add('failed') end
  if outcome == 1 then
    add('changed')
    changed[#changed + 1] = name
  end
  return true
end

local handled = 0
while handled < count and handle(name_of(handled + 1), 11 + 4 * handled) do handled = handled + 1 end
local mark = handled > 0 and name_of(handled) or ARGV[5]
local cursor = ARGV[4]
if handled == count and ARGV[6] ~= '' then
  cursor, mark = ARGV[6], ''
  added.walked, added.appeared = tonumber(ARGV[7]), tonumber(ARGV[8])
end
if not is_on_node and near_interval(KEYS[2]) > 0 then append_near_fences(KEYS[3], changed) end

advance_part(part, ARGV[2], cursor, mark, added)
table.insert(of_node, 1, handled)
return part_reply(part, of_node)
