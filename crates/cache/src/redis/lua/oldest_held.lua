-- KEYS: changes. ARGV: group. Returns how many milliseconds ago the oldest entry that somebody holds was appended, or -1
-- when nobody holds any.
local held = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if held.err then
  if string.find(held.err, 'NOGROUP', 1, true) then return -1 end
  return held
end
if held[1] == 0 then return -1 end
local appended = tonumber(string.match(held[2], '^(%d+)%-'))
local now = redis.call('TIME')
return math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - appended)
