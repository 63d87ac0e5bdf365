-- The gate and the waiting room, one call each. Times are microseconds of the server's clock, or ARGV's in tests.
--
-- flight  sorted set  entry -> when it counts as lost     requests that are in the database now, all pools together
-- pace    hash        orders done in this second and the one before, and how often the database was full; all pools
-- queue   sorted set  customer -> when he joined          one place per customer; the order of arrival
-- seen    sorted set  customer -> when he asked last
-- turns   sorted set  customer -> until when it is his turn
-- gauge   hash        how many turns may be out at one time, and how fast the queue moved
-- sold, full          hints: PostgreSQL lately said sold out / limit reached; they decide nothing (see gate.py)
-- tries_c, tries_a    token buckets of the customer and of his address
-- epoch               which life of the room this is; a ticket of an earlier one gets its place back
local flight, pace, queue, seen, turns, gauge, sold, full, tries_c, tries_a, epoch_key = unpack(KEYS)
local op, given_now, customer, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limit, turn_us, absent_us, flight_us = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local now
if given_now == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(given_now)
end

local SECOND = 1000000
local KEEP = 600 -- seconds a room is remembered after the last word from anybody
local OLD = 7200 * SECOND -- nobody waits so long: a ticket of an earlier rush is no place in this one
local HINTED = 30 -- seconds; whoever asks PostgreSQL and finds hope ends it
local LOOKED_AT = 200 -- absent ones dropped in one call
local ASKED_A_SECOND = 500 -- questions in a young room
local MOST_TURNS = 10000
local PRESSED = 0.5 -- of the latest arrivals found the database full
local FORGET, FADE_US = 0.05, 300000 -- what one arrival weighs in that at least, and how long is lately
local HARD = 4 -- times the limit: full at once, however sudden it came
local POLL_MOST = math.max(1, math.floor(absent_us / SECOND / 3))

local function number(text, default)
  return tonumber(text or '') or default
end

local function whole(value)
  return string.format('%d', math.floor(value))
end

-- Seconds to wait for a token, or 0 when one was taken. `per_minute` refill evenly, as many can be saved up.
local function take(key, per_minute)
  if per_minute <= 0 then return 0 end
  local kept = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = math.min(per_minute, number(kept[1], per_minute) + math.max(0, now - number(kept[2], now)) * per_minute / 60 / SECOND)
  local wait = 0
  if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) * 60 / per_minute) end
  redis.call('HSET', key, 'tokens', tostring(tokens), 'at', whole(now))
  redis.call('EXPIRE', key, 61)
  return wait
end

local function count_flying()
  redis.call('ZREMRANGEBYSCORE', flight, '-inf', whole(now))
  return redis.call('ZCARD', flight)
end

-- How much of the latest time arrivals found the database full: a few who collide for milliseconds are no rush. Where two
-- arrivals one after the other found the same, it was so in between.
local function feel(flying)
  local kept = redis.call('HMGET', pace, 'full', 'felt', 'found')
  local before = number(kept[1], 0)
  if before == 0 and flying < limit then return 0 end
  local full, weight = 0, FORGET
  if flying >= limit then full = 1 end
  if number(kept[3], 0) == full then
    weight = math.min(full == 1 and 0.25 or 1, math.max(FORGET, (now - number(kept[2], now)) / FADE_US))
  end
  local after = before + (full - before) * weight
  if after < 0.01 then after = 0 end
  redis.call('HSET', pace, 'full', tostring(after), 'felt', whole(now), 'found', full)
  return after
end

-- The gauge starts with what the database did lately.
local function read_gauge()
  local kept = redis.call('HMGET', gauge, 'window', 'opened', 'since', 'done', 'fast', 'slow', 'emptied', 'came', 'met')
  if kept[1] then
    return {
      window = tonumber(kept[1]), opened = tonumber(kept[2]), since = tonumber(kept[3]), done = number(kept[4], 0),
      fast = tonumber(kept[5]), slow = tonumber(kept[6]), emptied = number(kept[7], 0),
      came = number(kept[8], 0), met = number(kept[9], 0),
    }
  end
  local lately = redis.call('HMGET', pace, 'second', 'count', 'before')
  local known = limit
  if math.floor(now / SECOND) - number(lately[1], 0) <= 1 then
    known = math.max(limit, number(lately[2], 0), number(lately[3], 0))
  end
  -- Nothing is measured yet, so half of it is promised.
  return {window = known, opened = now, since = now, done = 0, fast = known / 2, slow = known / 2, emptied = 0, came = 0, met = 0}
end

local function keep_gauge(g)
  redis.call('HSET', gauge, 'window', tostring(g.window), 'opened', whole(g.opened), 'since', whole(g.since), 'done', g.done,
    'fast', tostring(g.fast), 'slow', tostring(g.slow), 'emptied', g.emptied, 'came', g.came, 'met', g.met)
  for _, key in ipairs({gauge, queue, seen, turns}) do redis.call('EXPIRE', key, KEEP) end
end

-- Once a second: what was done becomes the measured speed, and the number of turns that may be out follows the database:
-- fewer where half of those who used theirs met a full one, more while they are used and it is not. Between turn and order lies a customer's poll, so turns
-- are counted and not sent at a rate: an order that is done makes room for the next turn, however fast that is.
local function adapt(g, flying)
  local passed = (now - g.since) / SECOND
  if passed < 1 then return end
  local speed = g.done / passed
  if g.emptied > 0 then speed = math.max(speed, g.fast) end
  -- Averages of the latest 4 and 12 seconds; in a young room of all it has seen.
  local share = passed * SECOND / math.max(1, now - g.opened)
  g.fast = g.fast + (speed - g.fast) * math.min(1, math.max(share, 1 - math.exp(-passed / 4)))
  g.slow = g.slow + (speed - g.slow) * math.min(1, math.max(share, 1 - math.exp(-passed / 12)))
  if g.came > 0 and g.met / g.came >= PRESSED then
    g.window = math.max(1, g.window * 0.8)
  elseif flying < limit and g.emptied == 0 then
    -- Those whose turn it is may have gone; they must not hold up the others.
    local growth = 1
    if g.came > 0 then growth = 1.3 end
    g.window = math.min(MOST_TURNS, g.window * growth + 1)
  end
  g.since, g.done, g.emptied, g.came, g.met = now, 0, 0, 0, 0
end

-- Drop who does not ask any more, then give turns to the heads of the queue as far as the window goes. Where the
-- database is full and nothing gets done, nobody is sent after the others.
local function advance(g)
  redis.call('ZREMRANGEBYSCORE', turns, '-inf', whole(now))
  local gone = redis.call('ZRANGEBYSCORE', seen, '-inf', whole(now - absent_us), 'LIMIT', 0, LOOKED_AT)
  if #gone > 0 then
    redis.call('ZREM', queue, unpack(gone))
    redis.call('ZREM', seen, unpack(gone))
  end
  local flying = count_flying()
  adapt(g, flying)
  if flying >= limit and g.done == 0 then return end
  for _ = redis.call('ZCARD', turns) + 1, math.floor(g.window) do
    local head = redis.call('ZPOPMIN', queue)[1]
    if not head then
      g.emptied = 1
      break
    end
    redis.call('ZREM', seen, head)
    redis.call('ZADD', turns, whole(now + turn_us), head)
  end
end

local function epoch()
  local known = redis.call('GET', epoch_key)
  if not known then
    known = whole(now)
    redis.call('SET', epoch_key, known)
  end
  return known
end

-- The answer to somebody in the queue. The slower of two measured speeds, a tenth off; everybody ahead counted as a
-- buyer, also those whose turn has come and those in the database; and his own next question added: it errs on the long side.
local function waiting(g)
  local position = redis.call('ZRANK', queue, customer) + 1
  local joined = redis.call('ZSCORE', queue, customer)
  local speed = math.max(1 / 60, math.min(g.fast, g.slow) * 0.9)
  local seconds = (position + redis.call('ZCARD', turns) + redis.call('ZCARD', flight)) / speed
  -- Who is far from his turn asks seldom, and a crowd that joined together does not ask together. A young room has not
  -- measured much yet: there nobody is sent away for long, unless too many would ask.
  local poll = math.ceil(seconds / 4)
  if position <= g.window then poll = 1 end
  poll = math.min(poll, math.max(2, math.floor((now - g.opened) / SECOND / 2)))
  poll = math.max(1, poll, math.floor(redis.call('ZCARD', queue) / ASKED_A_SECOND))
  poll = math.min(POLL_MOST, poll + tonumber(joined) % (1 + math.ceil(poll / 4)))
  return {'wait', position, math.ceil(seconds) + poll, poll, joined, epoch()}
end

local function join(at)
  redis.call('ZADD', queue, 'NX', whole(at), customer)
  redis.call('ZADD', seen, whole(now), customer)
end

local function fly(has_turn)
  redis.call('ZADD', flight, whole(now + flight_us), entry)
  redis.call('EXPIRE', flight, KEEP)
  return {'go', has_turn}
end

if op == 'enter' then
  local wait = math.max(take(tries_c, tonumber(ARGV[9])), take(tries_a, tonumber(ARGV[10])))
  if wait > 0 then return {'tries', wait} end
  if ARGV[11] == '1' then
    if redis.call('EXISTS', sold, full) > 0 then return {'ask'} end
  else
    redis.call('DEL', sold, full) -- asked, and there is hope
  end
  local flying = count_flying()
  local full = feel(flying)
  local is_free = flying < limit or (full < PRESSED and flying < HARD * limit)
  if is_free and redis.call('EXISTS', queue, turns) == 0 then return fly(0) end

  local g = read_gauge()
  advance(g)
  local answer
  if redis.call('ZSCORE', turns, customer) then
    g.came = g.came + 1
    if flying >= limit then g.met = g.met + 1 end
    answer = fly(1)
  elseif is_free and redis.call('EXISTS', queue) == 0 then
    answer = fly(0)
  else
    -- Two who arrive in one microsecond still have an order: nobody joins at or before the last in the queue.
    local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2]
    join(math.max(now, number(last, 0) + 1))
    if is_free then advance(g) end
    if redis.call('ZSCORE', turns, customer) then answer = fly(1) else answer = waiting(g) end
  end
  keep_gauge(g)
  return answer
end

if op == 'leave' then
  -- Nobody reads this answer. ARGV 9: ordered, sold_out, full or failed.
  redis.call('ZREM', flight, entry)
  if ARGV[9] == 'ordered' then redis.call('ZREM', turns, customer) end
  if ARGV[9] == 'sold_out' then redis.call('SET', sold, '1', 'EX', HINTED) end
  if ARGV[9] == 'full' then redis.call('SET', full, '1', 'EX', HINTED) end
  local second = math.floor(now / SECOND)
  local known = number(redis.call('HGET', pace, 'second'), 0)
  if known == second then
    redis.call('HINCRBY', pace, 'count', 1)
  else
    local before = 0
    if known == second - 1 then before = number(redis.call('HGET', pace, 'count'), 0) end
    redis.call('HSET', pace, 'second', second, 'count', 1, 'before', before)
    redis.call('EXPIRE', pace, KEEP)
  end
  if redis.call('EXISTS', gauge) == 1 then redis.call('HINCRBY', gauge, 'done', 1) end
  return {}
end

if op == 'look' then
  -- ARGV 9 and 10: when the ticket's owner joined, and in which life of the room.
  local until_us = redis.call('ZSCORE', turns, customer)
  if until_us and tonumber(until_us) > now then
    return {'turn', math.ceil((tonumber(until_us) - now) / SECOND)}
  end
  if not redis.call('ZSCORE', queue, customer) then
    if ARGV[10] == epoch() or now - tonumber(ARGV[9]) > OLD then return {'gone'} end
    join(tonumber(ARGV[9]))
  end
  if ARGV[11] == '1' then
    if redis.call('EXISTS', sold, full) > 0 then return {'ask'} end
  else
    redis.call('DEL', sold, full)
  end
  redis.call('ZADD', seen, whole(now), customer)
  local g = read_gauge()
  advance(g)
  keep_gauge(g)
  if redis.call('ZSCORE', turns, customer) then return {'turn', math.ceil(turn_us / SECOND)} end
  return waiting(g)
end

-- quit: he gave up his place.
redis.call('ZREM', queue, customer)
redis.call('ZREM', seen, customer)
redis.call('ZREM', turns, customer)
return {}
