-- Reads a page of jobs, newest first.
-- KEYS: 1 the records, 2 the states
-- ARGV: 1 the most jobs on the page, 2 the id of the last job of the previous page, or '', 3 the id before which ended jobs are not listed;
--       then the requested states, none for all
-- Reply: number of all jobs in these states, then for each job of the page its id, its state, its record
-- Cost: proportional to the number of jobs, at most about 1,000: a millisecond.
local wanted, is_any = {}, #ARGV == 3
for i = 4, #ARGV do wanted[ARGV[i]] = true end
local ids, state_of = all_jobs(KEYS[2])
local total, reply = 0, { 0 }
for i = #ids, 1, -1 do
  local id = ids[i]
  local state = state_of[id]
  local is_kept = not ENDED[state] or id >= ARGV[3]
  if is_kept and (is_any or wanted[state]) then
    total = total + 1
    if (ARGV[2] == '' or id < ARGV[2]) and #reply <= 3 * tonumber(ARGV[1]) - 2 then
      local record = redis.call('HGET', KEYS[1], id)
      if record then
        reply[#reply + 1] = id
        reply[#reply + 1] = state
        reply[#reply + 1] = record
      end
    end
  end
end
reply[1] = total
return reply
