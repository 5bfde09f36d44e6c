-- put: have a delivery that is in the outbox due after another wait, or never.
--   KEYS  outbox
--   ARGV  member, wait (ms; empty: for ever), ahead (ms)
--   returns nothing
--- @include "outbox"
if redis.call('ZSCORE', KEYS[1] .. ':' .. lane_of(ARGV[1]), ARGV[1]) then
  put(KEYS[1], ARGV[1], ARGV[2], clock(ARGV[3]))
end
