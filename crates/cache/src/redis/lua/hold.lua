-- KEYS: lease. ARGV: holder, span in milliseconds. Returns what it brought.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 'elsewhere' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return owner and 'kept' or 'taken'
