-- record: keep a step's value in the journal, unless the writer has lost the execution.
--   KEYS  state, journal
--   ARGV  fence, step, value
--   returns 1 when it was kept, else 0
--- @include "transitions"
local row = redis.call('HMGET', KEYS[1], 'fence', 'state', 'owner', 'offset')
if row[1] ~= ARGV[1] or row[3] == '' or ENDS[row[2]] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], row[4] .. ':' .. ARGV[3])
return 1
