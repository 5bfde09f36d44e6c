-- put: have a delivery that waits in the outbox due at another time, or never.
--   KEYS  outbox
--   ARGV  member, due (ms; empty: never), now (ms)
--   returns nothing
--- @include "outbox"
if redis.call('ZSCORE', KEYS[1] .. ':' .. lane_of(ARGV[1]), ARGV[1]) then put(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) end
