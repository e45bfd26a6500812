#!lua
-- create(segments, generations, state; key, generation, definition, change)
--   -> 'ok' | 'exists' | 'stale' | 'closed'
-- KEYS[1] hash segments, KEYS[2] hash generations, KEYS[3] hash state of the environment.
-- Writes a definition with the next generation; 'stale' when another creation took it,
-- 'closed' once the environment is being deleted. change marks this state of the definitions.
if redis.call('HEXISTS', KEYS[3], 'closed') == 1 then return 'closed' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if last + 1 ~= tonumber(ARGV[2]) then return 'stale' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[3], 'changed', ARGV[4])
return 'ok'
