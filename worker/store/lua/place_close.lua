#!lua flags=allow-oom
-- place_close(state, log; deletion, change) -> 1, or 0 when the environment was made anew since
-- KEYS[1] hash state of the environment, which then takes no new segment; KEYS[2] stream: its
-- log of changes, which goes at once, because nothing is added to it from here on.
if redis.call('HGET', KEYS[1], 'opened') == ARGV[1] then return 0 end
local closed = redis.call('HGET', KEYS[1], 'closed')
if closed then return closed == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'closed', ARGV[1], 'changed', ARGV[2])
redis.call('UNLINK', KEYS[2])
return 1
