#!lua
-- place_open(state; deletion) -> 1, or 0 when that deletion has not closed the environment
-- KEYS[1] hash state of the environment. The deletion can close it no more.
if redis.call('HGET', KEYS[1], 'closed') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'opened', ARGV[1])
return redis.call('HDEL', KEYS[1], 'closed')
