-- KEYS: feed, the rebuild marker. ARGV: the marker.
redis.call('SET', KEYS[2], ARGV[1])
announce(KEYS[1], 'k', 'r', 'e', ARGV[1])
return 1
