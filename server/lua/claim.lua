-- claim: take deliveries that are due, until somebody else may: whoever dies with them does not lose them.
--   KEYS  outbox
--   ARGV  ahead, held, later (ms), free places, lane's share, tenant's share, lanes to look at, then who is under way
--   returns 1 when there may be more, else 0; then the members that were taken
--   A lane may have another call under way while it has fewer than its share of the places that are free: the fewer are
--   left, the less each gets, and there is always one for a lane that has none. So may a tenant. Who has enough is put
--   off, until later, or until one of its calls is settled.
--- @include "outbox"
local now, free = clock(ARGV[1]), tonumber(ARGV[4])
local until_, later = now + ARGV[2], now + ARGV[3]
local lane_share, tenant_share, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local lanes, tenants, reply = {}, {}, {0}
local function count(member)
  local lane, tenant = lane_of(member)
  lanes[lane], tenants[tenant] = (lanes[lane] or 0) + 1, (tenants[tenant] or 0) + 1
end
for i = 8, #ARGV do count(ARGV[i]) end

local function take(lane, tenant)
  local share = math.ceil(free * lane_share)
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1] .. ':' .. lane, '-inf', now, 'BYSCORE', 'LIMIT', 0, share)) do
    if (lanes[lane] or 0) >= free * lane_share or (tenants[tenant] or 0) >= free * tenant_share then return later end
    redis.call('ZADD', KEYS[1] .. ':' .. lane, until_, member)
    count(member)
    free = free - 1
    reply[#reply + 1] = member
  end
  return now
end

local due = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, most)
for _, lane in ipairs(due) do
  if free == 0 then break end
  line_up(KEYS[1], lane, take(lane, string.match(lane, '^(.*)/')))
end
if free > 0 and #due == most then reply[1] = 1 end
return reply
