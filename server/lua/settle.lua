-- settle: keep what became of a delivery, and when it is due again, unless its record was changed meanwhile.
--   KEYS  deliveries
--   ARGV  outbox, member, delivery, the record as it was, the record as it is, due (ms; empty: never), now (ms)
--   returns 1 when it was kept, 0 when not; an execution that is no more has no deliveries either
local record = redis.call('HGET', KEYS[1], ARGV[3])
if not record then
  redis.call('ZREM', ARGV[1], ARGV[2])
  return 1
end
if record ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[5])
if ARGV[6] == '' then
  redis.call('ZREM', ARGV[1], ARGV[2])
else
  redis.call('ZADD', ARGV[1], ARGV[6], ARGV[2])
  if tonumber(ARGV[6]) <= tonumber(ARGV[7]) then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
end
return 1
