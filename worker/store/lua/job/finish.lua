#!lua flags=allow-oom
-- finish(job; stage, n, result, rows, bytes, share of a whole unit) -> units left, or -1 when it is no longer wanted
-- A unit's result is set once; whose it is does not matter, because two tries of one unit give
-- the same.
if not is_in(ARGV[1]) then return -1 end
local unit = ARGV[1] .. ':' .. ARGV[2]
if redis.call('HSETNX', job, 'done:' .. unit, ARGV[3]) == 0 then return -1 end
redis.call('HDEL', job, 'lease:' .. unit)
redis.call('HSET', job, 'rows:' .. unit, ARGV[4], 'share:' .. unit, ARGV[6], 'touched', now_ms())
raise_to('bytes:' .. unit, ARGV[5])
return tonumber(redis.call('HGET', job, 'units')) - redis.call('HINCRBY', job, 'finished', 1)
