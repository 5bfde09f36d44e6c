-- claim: take deliveries that are due, until somebody else may: whoever dies with them does not lose them.
--   KEYS  outbox
--   ARGV  now, until, later (ms), limit, limit per endpoint, then the endpoint of each call that is under way
--   returns the members that were taken; those of an endpoint with enough calls under way are put off until later
local until_, later, limit, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local busy, taken = {}, {}
for i = 6, #ARGV do busy[ARGV[i]] = (busy[ARGV[i]] or 0) + 1 end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 4 * limit)) do
  local endpoint = string.match(member, '[^-]*$')
  if (busy[endpoint] or 0) >= most then
    redis.call('ZADD', KEYS[1], later, member)
  elseif #taken < limit then
    busy[endpoint] = (busy[endpoint] or 0) + 1
    redis.call('ZADD', KEYS[1], until_, member)
    taken[#taken + 1] = member
  end
end
return taken
