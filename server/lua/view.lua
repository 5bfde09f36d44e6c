-- view: note that somebody looks at a checkpoint, or no longer does, and tell everybody when that changes the list.
--   Nothing is logged. Who is not noted again within the patience is gone, and is dropped when the next one is noted.
--   KEYS  viewers
--   ARGV  prefix of the checkpoint's fields, connection, viewer ('' for no longer), patience, most, verb, channel,
--         head and tail of the frame
--   returns 1 when the viewer is on the list, else 0
local prefix, mine, viewer = ARGV[1], ARGV[1] .. ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names, known, changed = {}, {}, false
local row = redis.call('HGETALL', KEYS[1])
for i = 1, #row, 2 do
  if string.sub(row[i], 1, #prefix) == prefix then
    local upto, said = string.match(row[i + 1], '^(%d+) (.*)$')
    if tonumber(upto) > now then
      known[row[i]] = said
      names[#names + 1] = row[i]
    else
      redis.call('HDEL', KEYS[1], row[i])
      changed = true
    end
  end
end
local before = known[mine]
if viewer == '' then
  redis.call('HDEL', KEYS[1], mine)
  known[mine] = nil
  changed = changed or before ~= nil
elseif before or #names < tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], mine, string.format('%.0f ', now + ARGV[4]) .. viewer)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  if not before then names[#names + 1] = mine end
  known[mine] = viewer
  changed = changed or before ~= viewer
end
if changed then
  table.sort(names)
  local viewers = {}
  for _, name in ipairs(names) do
    if known[name] then viewers[#viewers + 1] = known[name] end
  end
  redis.call(ARGV[6], ARGV[7], '\n' .. ARGV[8] .. table.concat(viewers, ',') .. ARGV[9])
end
return known[mine] and 1 or 0
