#!lua
-- create(job, active; request, stage, units, keep s, reference) -> 1, or 0 when there is one
-- KEYS[2] set: the environment's active jobs. A record is written once: a late second try must
-- not send a job that has begun, or has ended, back to its start.
if redis.call('HSETNX', job, 'request', ARGV[1]) == 0 then return 0 end
redis.call('HSET', job, 'stage', ARGV[2], 'units', ARGV[3], 'finished', 0)
redis.call('EXPIRE', job, ARGV[4])
redis.call('SADD', KEYS[2], ARGV[5])
return 1
