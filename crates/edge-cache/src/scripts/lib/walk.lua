-- Bounds the steps of a walk over the keyspace or over a set: a step ends after about 3 ms of work.
--
-- Scripts cannot read a clock on every supported server, so work is counted instead: names, their bytes, and what is done to each. To
-- notice long names early, each read asks for at most twice as many names as all reads before it, and for no more than the rest of the
-- step can pay for at the average cost so far.
local STEP_NANOSECONDS = 3000000
local spent = 0
local function spend(nanoseconds) spent = spent + nanoseconds end
local function is_over() return spent >= STEP_NANOSECONDS end

-- Returns how many more names the rest of the step can pay for, given that `read` names cost what was spent.
local function affordable(read) return math.floor((STEP_NANOSECONDS - spent) * read / spent) end

-- Returns how many names one read may ask for; nil: no limit. Where a byte of a name is expensive, one long name among short ones would
-- exceed the step.
local function max_at_once(price)
  if price > 16 then return 8 end
  if price > 4 then return 64 end
  return nil
end

-- Reads names until the cursor is 0, `most` names were asked for or the step is over, and returns the next cursor and how many names were
-- asked for. `read` takes the cursor and a count; it returns SCAN's reply and, if it asked for fewer, how many. `visit` takes each name. `price` is the cost of a byte.
local function walk_step(cursor, most, price, read, visit)
  local asked, count = 0, price > 4 and 1 or 16
  repeat
    count = math.min(count, max_at_once(price) or most, most - asked)
    local reply, used = read(cursor, count)
    used = used or count
    cursor = reply[1]
    asked = asked + used
    spend(200 * used)
    for _, name in ipairs(reply[2]) do
      spend(300 + #name * (1 + price))
      visit(name)
    end
    count = math.min(asked, affordable(asked))
  until cursor == '0' or asked >= most or count < 1
  return cursor, asked
end

-- Returns a reader of the keyspace for names that match `head`, of type `kind` ('' for any). It returns SCAN's reply and how many names it
-- asked for. Callers must filter again: some of its reads are unfiltered.
--
-- Servers before Redis 7.2 copy each name before they filter it, so names that are left out cost time, too. Their length is estimated from
-- unfiltered reads of 8 names, at first and then in about every 250, and a read asks for at most about 1 MB of names.
local SAMPLE_NAMES, MAX_READ_BYTES = 8, 1048576
local function scanner(head, kind)
  local is_filtered = head ~= '*' or kind ~= ''
  local asked, sampled, bytes = 0, 0, 0
  local function sample(cursor, count)
    local reply = redis.call('SCAN', cursor, 'COUNT', count)
    for _, name in ipairs(reply[2]) do bytes = bytes + #name end
    sampled = sampled + count
    return reply
  end
  local function filtered(cursor, count)
    spend(count * bytes / sampled)
    if kind == '' then return redis.call('SCAN', cursor, 'MATCH', head, 'COUNT', count) end
    return redis.call('SCAN', cursor, 'MATCH', head, 'COUNT', count, 'TYPE', kind)
  end

  return function(cursor, count)
    if not is_filtered then return redis.call('SCAN', cursor, 'COUNT', count), count end
    local reply
    if asked >= 31 * sampled then
      count = math.min(count, SAMPLE_NAMES)
      reply = sample(cursor, count)
    elseif bytes > 0 then
      count = math.max(math.min(count, math.floor(MAX_READ_BYTES * sampled / bytes)), 1)
    end
    asked = asked + count
    if kind ~= '' or not reply then reply = filtered(cursor, count) end
    return reply, count
  end
end

-- Walks one step over the keyspace, as `walk_step` does.
local function walk_keyspace(cursor, head, kind, most, price, visit)
  return walk_step(cursor, most, price, scanner(head, kind), visit)
end

