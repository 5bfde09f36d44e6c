-- outbox: a part of commit. Queue an event's deliveries to the webhooks that hear of it, in the same atomic step.
--   KEYS  those of commit; ARGV  outbox, the execution's channel, event, now (ms)
--   returns nothing
local function queue_deliveries(outbox, state_key, deliveries, channel, event, offset, now)
  local endpoints = redis.call('HGET', state_key, 'hooks:' .. event)
  if not endpoints then return end
  for endpoint in string.gmatch(endpoints, '%S+') do
    local delivery = offset .. '-' .. endpoint
    redis.call('HSET', deliveries, delivery, '{"type":"' .. event .. '"}')
    redis.call('ZADD', outbox, now, channel .. '/' .. delivery)
  end
  redis.call('PUBLISH', outbox, channel)
end
