-- KEYS: feed. ARGV: age in milliseconds from which entries go. Returns how many went.
-- The newest entry stays: the next one names it.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if not newest[1] then return 0 end
local time = redis.call('TIME')
local keep_from = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - tonumber(ARGV[1]) + 1
if keep_from <= 0 then return 0 end
local bound = string.format('%.0f-0', keep_from)
if keep_from > tonumber(string.match(newest[1][1], '^(%d+)')) then bound = newest[1][1] end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', bound)
