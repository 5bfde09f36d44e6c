-- page: read a part of an execution's log, and where the log stands, as one consistent view.
--   KEYS  state, log
--   ARGV  after (offset), limit
--   returns {epoch, last, first, entries}, or nothing when there is no such execution
local row = redis.call('HMGET', KEYS[1], 'epoch', 'offset')
if not row[1] then return false end
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local first = oldest[1] and string.match(oldest[1][1], '^%d+') or row[2] + 1
local entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
return {row[1], tonumber(row[2]), tonumber(first), entries}
