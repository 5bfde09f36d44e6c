-- commit: append one event to an execution, or say why not. The only script that changes an execution.
--   KEYS  state, log, checkpoints, journal, keys, deliveries (one hash tag)
--   ARGV  event, key, fence, number, owner, epoch (for a new execution), head, tail (of the event's frame),
--         now (ms), retention (ms), verb, channel, inbox, wake, checkpoint, expected, token, record, step, value,
--         outbox, pairs, then that many fields and values to set, then fields and integers to add
--   returns {verdict, offset, state, epoch, owner}
--- @include "transitions"
--- @include "outbox"
local state_key, log, checkpoints, journal, keys = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local event, key, fence, number, worker = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local new_epoch, head, tail, now, retention = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local verb, channel, inbox, wake = ARGV[11], ARGV[12], ARGV[13], ARGV[14]
local checkpoint, expected, token, record = ARGV[15], ARGV[16], ARGV[17], ARGV[18]
local step, value, outbox, pairs_end = ARGV[19], ARGV[20], ARGV[21], 22 + 2 * tonumber(ARGV[22])

local row = redis.call('HMGET', state_key, 'state', 'offset', 'fence', 'owner', 'epoch', 'open', 'since', 'written')
local state, offset, holder, owner = row[1] or ABSENT, tonumber(row[2] or 0), tonumber(row[3] or 0), row[4] or ''
local epoch, open, since, written = row[5] or new_epoch, tonumber(row[6] or 0), row[7] or now, tonumber(row[8] or 0)
local function refuse(verdict, at) return {verdict, at or offset, state, epoch, owner} end
local first = key ~= '' and redis.call('HGET', keys, key)
if first then return refuse('duplicate', tonumber(first)) end
local claims = CLAIMS[state] and CLAIMS[state][event]
if claims and fence ~= holder + 1 then return refuse('fenced') end
if FENCED[event] and (fence ~= holder or owner == '') then return refuse('fenced') end
if number > 0 and number <= written then return refuse('duplicate') end
local target = TRANSITIONS[state][event]
if not target then return refuse('rejected') end
if checkpoint ~= '' then
  local current = redis.call('HGET', checkpoints, checkpoint .. ':token') or ''
  if current ~= expected then return refuse('conflict') end
  redis.call('HSET', checkpoints, checkpoint .. ':token', token, checkpoint, record)
  if string.sub(current, 1, 5) == 'open:' then open = open - 1 end
  if string.sub(token, 1, 5) == 'open:' then open = open + 1 end
end

local woken = owner
written = math.max(written, number)
if claims then holder, owner, written = holder + 1, worker, 0
elseif RELEASES[event] or ENDS[target] then owner = '' end
if target == WAITING and open == 0 then target = owner ~= '' and SETTLED_OWNED or SETTLED_FREE end
offset = offset + 1

local frame = head .. epoch .. '","offset":' .. offset .. tail
redis.call('HSET', state_key, 'state', target, 'offset', offset, 'fence', holder, 'owner', owner, 'epoch', epoch,
  'open', open, 'written', written, unpack(ARGV, 23, pairs_end))
for i = pairs_end + 1, #ARGV, 2 do  -- a sum that would leave 64 bits stays, and so do those behind it
  if type(redis.pcall('HINCRBY', state_key, ARGV[i], ARGV[i + 1])) == 'table' then break end
end
if state == WAITING and target ~= WAITING then redis.call('HINCRBY', state_key, 'waited', math.max(0, now - since)) end
if state ~= target then redis.call('HSET', state_key, 'since', now) end
if step ~= '' then redis.call('HSET', journal, step, offset .. ':' .. value) end
if key ~= '' then redis.call('HSET', keys, key, offset) end
redis.call('XADD', log, offset .. '-0', 'f', frame)
if outbox ~= '' then queue_deliveries(outbox, state_key, KEYS[6], channel, event, offset) end
if ENDS[target] then for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], retention) end end
local message = offset .. ' ' .. epoch .. '\n' .. frame
redis.call(verb, channel, message)
if inbox ~= '' then redis.call('PUBLISH', inbox, message) end
if wake ~= '' and woken ~= '' then redis.call('PUBLISH', wake .. woken, channel) end
return {'applied', offset, target, epoch, owner}
