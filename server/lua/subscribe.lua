-- subscribe: add webhooks to an execution that goes on; one that it has stays as it is.
--   KEYS  state
--   ARGV  most that it may have, then for each: endpoint, its description, the events that it hears of
--   returns 'added', 'ended' when there is no such execution, or it has ended, 'full' when it would have too many
--- @include "transitions"
local state = redis.call('HGET', KEYS[1], 'state')
if not state or ENDS[state] then return 'ended' end
local count = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 5) == 'hook:' then count = count + 1 end
end
for i = 2, #ARGV, 3 do count = count + 1 - redis.call('HEXISTS', KEYS[1], 'hook:' .. ARGV[i]) end
if count > tonumber(ARGV[1]) then return 'full' end
for i = 2, #ARGV, 3 do
  redis.call('HSETNX', KEYS[1], 'hook:' .. ARGV[i], ARGV[i + 1])
  for event in string.gmatch(ARGV[i + 2], '%S+') do
    local heard = redis.call('HGET', KEYS[1], 'hooks:' .. event) or ''
    if not string.find(' ' .. heard .. ' ', ' ' .. ARGV[i] .. ' ', 1, true) then
      redis.call('HSET', KEYS[1], 'hooks:' .. event, heard .. ' ' .. ARGV[i])
    end
  end
end
return 'added'
