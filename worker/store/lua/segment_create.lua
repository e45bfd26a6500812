#!lua
-- segment_create(segments, generations; key, generation, definition)
--   -> 'ok' | 'exists' | 'stale'
-- KEYS[1] hash segments, KEYS[2] hash generations.
-- Writes a definition with the next generation; 'stale' when another creation took it.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if last + 1 ~= tonumber(ARGV[2]) then return 'stale' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'ok'
