#!lua flags=allow-oom
-- job_advance(job; from stage, to stage, units, drained, {field, value}…)
--   -> 1, or 0 when another did it
-- KEYS[1] hash: the job's record. Moves a job to its next stage, with what that stage needs;
-- with drained '1' only if all units are done: some may have been opened again since.
local found = redis.call('HMGET', KEYS[1], 'stage', 'ended', 'units', 'finished')
if found[1] ~= ARGV[1] or found[2] then return 0 end
if ARGV[4] == '1' and found[3] ~= found[4] then return 0 end
redis.call('HSET', KEYS[1], 'stage', ARGV[2], 'units', ARGV[3], 'finished', 0)
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
