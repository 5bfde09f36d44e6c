-- subscribe: add webhooks to an execution that goes on; one that it has stays as it is.
--   KEYS  state
--   ARGV  for each: endpoint, its description, the events that it hears of
--   returns 1, or 0 when there is no such execution, or it has ended
--- @include "transitions"
local state = redis.call('HGET', KEYS[1], 'state')
if not state or ENDS[state] then return 0 end
for i = 1, #ARGV, 3 do
  redis.call('HSETNX', KEYS[1], 'hook:' .. ARGV[i], ARGV[i + 1])
  for event in string.gmatch(ARGV[i + 2], '%S+') do
    local heard = redis.call('HGET', KEYS[1], 'hooks:' .. event) or ''
    if not string.find(' ' .. heard .. ' ', ' ' .. ARGV[i] .. ' ', 1, true) then
      redis.call('HSET', KEYS[1], 'hooks:' .. event, heard .. ' ' .. ARGV[i])
    end
  end
end
return 1
