-- outbox: a part of other scripts. Each delivery waits in the lane of its tenant and its receiver's host, scored by when
--   it is due; the outbox has the lanes, scored by when to look at each, so that a backlog of one is in nobody's way.
--   KEYS, ARGV  those of the script that this is in; returns nothing of its own
local function lane_of(member)
  local tenant = string.match(member, '^qd:{(.*):')
  return tenant .. '/' .. string.sub(string.match(member, '[^-]*$'), 1, 9), tenant
end

-- Tell the time in ms, by the one clock that all workers share; `ahead` is how far a test is ahead of it.
local function clock(ahead)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + ahead
end

-- Have a lane looked at when its first delivery is due, and not before now: who has just been served is last in line.
local function line_up(outbox, lane, now)
  local first = redis.call('ZRANGE', outbox .. ':' .. lane, 0, 0, 'WITHSCORES')
  if not first[2] then return redis.call('ZREM', outbox, lane) end
  redis.call('ZADD', outbox, math.max(tonumber(first[2]), now), lane)
end

-- Have a delivery due after so many ms; never, when that is empty.
local function put(outbox, member, wait, now)
  local lane = lane_of(member)
  if wait == '' then
    redis.call('ZREM', outbox .. ':' .. lane, member)
  else
    redis.call('ZADD', outbox .. ':' .. lane, now + wait, member)
  end
  line_up(outbox, lane, now)
end

-- Queue an event's deliveries to the webhooks that hear of it, in the same atomic step.
local function queue_deliveries(outbox, state_key, deliveries, channel, event, offset)
  local endpoints = redis.call('HGET', state_key, 'hooks:' .. event)
  if not endpoints then return end
  local now = clock(0)
  for endpoint in string.gmatch(endpoints, '%S+') do
    local delivery = offset .. '-' .. endpoint
    redis.call('HSET', deliveries, delivery, '{"type":"' .. event .. '"}')
    put(outbox, channel .. '/' .. delivery, 0, now)
  end
  redis.call('PUBLISH', outbox, channel)
end
