#!lua flags=allow-oom
-- advance(job; from stage, to stage, units, drained, {field, value}…)
--   -> 1, or 0 when another did it
-- Moves a job to its next stage, with what that stage needs; with drained '1' only if all units
-- are done: some may have been opened again since.
if not is_in(ARGV[1]) then return 0 end
local counts = redis.call('HMGET', job, 'units', 'finished')
if ARGV[4] == '1' and counts[1] ~= counts[2] then return 0 end
redis.call('HSET', job, 'stage', ARGV[2], 'units', ARGV[3], 'finished', 0)
for i = 5, #ARGV, 2 do redis.call('HSET', job, ARGV[i], ARGV[i + 1]) end
return 1
