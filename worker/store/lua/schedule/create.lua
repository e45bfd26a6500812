#!lua
-- create(schedules, segments, state; field, record, most, segment, generation)
--   -> 'ok' | 'exists' | 'full' | 'gone'
-- KEYS[1] hash schedules, KEYS[2] hash segments, KEYS[3] hash state of the environment.
-- 'gone' when the segment is not there in this generation, or the environment is being deleted:
-- no schedule outlives its segment.
local found = redis.call('HGET', KEYS[2], ARGV[4])
if not found or cjson.decode(found).generation ~= tonumber(ARGV[5]) then return 'gone' end
if redis.call('HEXISTS', KEYS[3], 'closed') == 1 then return 'gone' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'ok'
