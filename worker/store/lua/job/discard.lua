#!lua flags=allow-oom
-- discard(job, active; reference) -> 1, or 0 when it is gone, or has begun
-- KEYS[2] set: the environment's active jobs. The same id can be created again.
if redis.call('HGET', job, 'stage') ~= 'claim' then return 0 end
redis.call('DEL', job)
redis.call('SREM', KEYS[2], ARGV[1])
return 1
