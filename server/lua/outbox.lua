-- outbox: a part of other scripts. Each delivery waits in the lane of its tenant and its receiver's host, scored by when
--   it is due; the outbox has the lanes, scored by when to look at each, so that a backlog of one is in nobody's way.
--   KEYS, ARGV  those of the script that this is in; returns nothing of its own
local function lane_of(member)
  local tenant = string.match(member, '^qd:{(.*):')
  return tenant .. '/' .. string.sub(string.match(member, '[^-]*$'), 1, 9), tenant
end

-- Have a lane looked at when its first delivery is due, and not before now: who has just been served is last in line.
local function line_up(outbox, lane, now)
  local first = redis.call('ZRANGE', outbox .. ':' .. lane, 0, 0, 'WITHSCORES')
  if not first[2] then return redis.call('ZREM', outbox, lane) end
  redis.call('ZADD', outbox, math.max(tonumber(first[2]), tonumber(now)), lane)
end

-- Have a delivery due at another time; never, when that is empty.
local function put(outbox, member, due, now)
  local lane = lane_of(member)
  if due == '' then
    redis.call('ZREM', outbox .. ':' .. lane, member)
  else
    redis.call('ZADD', outbox .. ':' .. lane, due, member)
  end
  line_up(outbox, lane, now)
end

-- Queue an event's deliveries to the webhooks that hear of it, in the same atomic step.
local function queue_deliveries(outbox, state_key, deliveries, channel, event, offset, now)
  local endpoints = redis.call('HGET', state_key, 'hooks:' .. event)
  if not endpoints then return end
  for endpoint in string.gmatch(endpoints, '%S+') do
    local delivery = offset .. '-' .. endpoint
    redis.call('HSET', deliveries, delivery, '{"type":"' .. event .. '"}')
    put(outbox, channel .. '/' .. delivery, now, now)
  end
  redis.call('PUBLISH', outbox, channel)
end
