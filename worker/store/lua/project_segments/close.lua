#!lua flags=allow-oom
-- close(segments; seconds) -> 1, or 0 when they were closed before
-- KEYS[1] hash of a project's segments. Frees all of them once the project is deleted. For some
-- time 'closed' stays, so that a request that found the project just before adds nothing.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'closed', '1')
return redis.call('EXPIRE', KEYS[1], ARGV[1])
