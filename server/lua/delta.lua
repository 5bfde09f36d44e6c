-- delta: push a piece of streamed text, unless the writer has lost the execution. Nothing is stored.
--   KEYS  state
--   ARGV  fence, verb, channel, frame
--   returns 1 when it was pushed, else 0
--- @include "transitions"
local row = redis.call('HMGET', KEYS[1], 'fence', 'state', 'owner')
if row[1] ~= ARGV[1] or row[3] == '' or ENDS[row[2]] then return 0 end
redis.call(ARGV[2], ARGV[3], '\n' .. ARGV[4])
return 1
