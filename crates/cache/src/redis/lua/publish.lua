-- KEYS: feed, pointer to the generation on serve. ARGV: fence, manifest, number of the generation.
-- Returns the fence that stands if it is newer than ours.
local fence, manifest, generation = unpack(ARGV)
local standing = redis.call('HGET', KEYS[2], 'fence')
if standing and above(standing, fence) then return standing end
redis.call('HSET', KEYS[2], 'fence', fence, 'manifest', manifest)
announce(KEYS[1], 'k', 'g', 'n', generation)
return false
