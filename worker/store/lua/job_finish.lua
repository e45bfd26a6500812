#!lua flags=allow-oom
-- job_finish(job; stage, n, result, rows, bytes) -> units left, or -1 when it is no longer wanted
-- KEYS[1] hash: the job's record. A unit's result is set once; whose it is does not matter,
-- because two tries of one unit give the same.
local found = redis.call('HMGET', KEYS[1], 'stage', 'units', 'ended')
if found[1] ~= ARGV[1] or found[3] then return -1 end
local unit = ARGV[1] .. ':' .. ARGV[2]
if redis.call('HSETNX', KEYS[1], 'done:' .. unit, ARGV[3]) == 0 then return -1 end
redis.call('HDEL', KEYS[1], 'lease:' .. unit)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'rows:' .. unit, ARGV[4], 'bytes:' .. unit, ARGV[5], 'touched', now)
return tonumber(found[2]) - redis.call('HINCRBY', KEYS[1], 'finished', 1)
