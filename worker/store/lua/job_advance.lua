#!lua
-- job_advance(job; from stage, to stage, units, {field, value}…) -> 1, or 0 when another did it
-- KEYS[1] hash: the job's record. Moves a job to its next stage, with what that stage needs.
local found = redis.call('HMGET', KEYS[1], 'stage', 'ended')
if found[1] ~= ARGV[1] or found[2] then return 0 end
redis.call('HSET', KEYS[1], 'stage', ARGV[2], 'units', ARGV[3], 'finished', 0)
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
