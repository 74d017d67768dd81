-- Takes over interrupted removals: fences by pattern join the gathered walk, and fences that cannot be understood end.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the state, 4 the patterns, 5 the announcement, 6 the patterns of soft purges
-- ARGV: 1 the least age, in milliseconds, of the fence of an interrupted removal; then the ids of fences of unfinished jobs
-- Reply: the number of the turn that the caller is to announce, or '' where there is nothing to do or a turn is expected to begin; then for
--        each tag whose invalidation was interrupted its soft grace in ms, '' for a removal, and the tag
-- Cost: in proportion to the stream of fences.
redis.call('DEL', KEYS[2])
ensure_hash(KEYS[3])
ensure_hash(KEYS[4])
ensure_hash(KEYS[6])
local entries = redis.pcall('XRANGE', KEYS[1], '-', '+')
if entries.err then entries = {} end
local tags = {}
if entries[1] then
  -- An entry of the stream has the time; TIME would need a right that users seldom have.
  local ticket = redis.call('XADD', KEYS[1], '*', 'begin', '')
  redis.call('XDEL', KEYS[1], ticket)
  local finished, oldest = finished_removals(entries), milliseconds_of(ticket) - tonumber(ARGV[1])
  local is_gathered, is_of_job = {}, {}
  for i = 2, #ARGV do is_of_job[ARGV[i]] = true end
  for _, hash in ipairs({ KEYS[4], KEYS[6] }) do
    is_gathered[hash] = {}
    for _, text in ipairs(redis.call('HVALS', hash)) do is_gathered[hash][text] = true end
  end
  -- A new fence joins the next walk, not the one that runs. Its end is also that of the old one.
  local function join_walk(hash, text, kind, what)
    if is_gathered[hash][text] then return end
    redis.call('HSET', hash, append_fence(KEYS[1], KEYS[2], kind, what), text)
    is_gathered[hash][text] = true
  end
  for _, entry in ipairs(entries) do
    local id, kind, what = entry[1], entry[2][1], entry[2][2]
    if not finished[id] and not is_of_job[id] and milliseconds_of(id) <= oldest then
      local grace, by = purge_of(kind)
      if by == 'pattern' then
        join_walk(grace and KEYS[6] or KEYS[4], grace and grace .. ' ' .. what or what, kind, what)
      elseif by == 'tag' then
        tags[#tags + 1] = grace or ''
        tags[#tags + 1] = what
      elseif by ~= 'key' and kind ~= 'begin' and kind ~= 'trimmed' and kind ~= 'end' then
        redis.call('XADD', KEYS[1], '*', 'end', id)
      end
    end
  end
end
local turn = ''
if redis.call('HLEN', KEYS[4]) + redis.call('HLEN', KEYS[6]) > 0 then turn = turn_to_announce(KEYS[3], KEYS[5]) end
return { turn, tags }
