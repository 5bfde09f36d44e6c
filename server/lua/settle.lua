-- settle: keep what became of a delivery, and after what wait it is due again, unless its record was changed meanwhile.
--   KEYS  deliveries
--   ARGV  outbox, member, delivery, the record as it was, the record as it is, wait (ms; empty: for ever), ahead (ms)
--   returns 1 when it was kept, 0 when not; an execution that is no more has no deliveries either
--- @include "outbox"
local outbox, member, wait, now = ARGV[1], ARGV[2], ARGV[6], clock(ARGV[7])
local record = redis.call('HGET', KEYS[1], ARGV[3])
if not record then
  put(outbox, member, '', now)
  return 1
end
if record ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[5])
put(outbox, member, wait, now)
if wait == '0' then redis.call('PUBLISH', outbox, member) end
return 1
