#!lua flags=allow-oom
-- put_field(job; field, value) -> 1, or 0 when there is no such job any more
-- A late writer must not bring an expired record back.
if redis.call('EXISTS', job) == 0 then return 0 end
redis.call('HSET', job, ARGV[1], ARGV[2])
return 1
