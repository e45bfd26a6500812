#!lua flags=allow-oom
-- reopen(job; from stage, to stage, units, {n}…) -> 1, or 0 when another did it
-- Goes back to an earlier stage to do some of its units again.
if not is_in(ARGV[1]) then return 0 end
redis.call('HSET', job, 'stage', ARGV[2], 'units', ARGV[3],
  'finished', tonumber(ARGV[3]) - (#ARGV - 3))
for i = 4, #ARGV do
  redis.call('HDEL', job, 'done:' .. ARGV[2] .. ':' .. ARGV[i],
    'lease:' .. ARGV[2] .. ':' .. ARGV[i])
end
redis.call('HDEL', job, 'lease:' .. ARGV[1] .. ':0', 'done:' .. ARGV[1] .. ':0')
return 1
