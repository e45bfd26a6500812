#!lua flags=allow-oom
-- job_reopen(job; from stage, to stage, units, {n}…) -> 1, or 0 when another did it
-- KEYS[1] hash: the job's record. Goes back to an earlier stage to do some of its units again.
local found = redis.call('HMGET', KEYS[1], 'stage', 'ended')
if found[1] ~= ARGV[1] or found[2] then return 0 end
redis.call('HSET', KEYS[1], 'stage', ARGV[2], 'units', ARGV[3],
  'finished', tonumber(ARGV[3]) - (#ARGV - 3))
for i = 4, #ARGV do
  redis.call('HDEL', KEYS[1], 'done:' .. ARGV[2] .. ':' .. ARGV[i],
    'lease:' .. ARGV[2] .. ':' .. ARGV[i])
end
redis.call('HDEL', KEYS[1], 'lease:' .. ARGV[1] .. ':0', 'done:' .. ARGV[1] .. ':0')
return 1
