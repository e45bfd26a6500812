#!lua
-- claim(schedules, segments, state, job, active; field, expected, record, segment, generation,
--   request, keep s, reference) -> 'started' | 'changed' | 'gone' | 'ran'
-- KEYS[1] hash schedules, KEYS[2] hash segments, KEYS[3] hash state of the environment,
-- KEYS[4] hash: the export's record, KEYS[5] set: the environment's active jobs.
-- The schedule goes on and its export begins in one step, if the schedule is still as it was read:
-- whoever else has read it, or has changed it since, starts nothing. 'ran': there is an export of
-- this id already, and nothing is written.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'changed' end
local found = redis.call('HGET', KEYS[2], ARGV[4])
if not found or cjson.decode(found).generation ~= tonumber(ARGV[5]) then return 'gone' end
if redis.call('HEXISTS', KEYS[3], 'closed') == 1 then return 'gone' end
if redis.call('HSETNX', KEYS[4], 'request', ARGV[6]) == 0 then return 'ran' end
redis.call('HSET', KEYS[4], 'stage', 'write', 'units', 1, 'finished', 0)
redis.call('EXPIRE', KEYS[4], ARGV[7])
redis.call('SADD', KEYS[5], ARGV[8])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'started'
