#!lua
-- open_environment(state; deletion) -> 1, or 0 when that deletion has not closed the environment
-- KEYS[1] hash state of the environment. Neither it nor an earlier deletion can close it again.
if redis.call('HGET', KEYS[1], 'closed') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'opened', string.match(ARGV[1], '^%d+'))
return redis.call('HDEL', KEYS[1], 'closed')
