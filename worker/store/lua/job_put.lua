#!lua flags=allow-oom
-- job_put(job; field, value) -> 1, or 0 when there is no such job any more
-- KEYS[1] hash: the job's record. A late writer must not bring an expired record back.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
