#!lua flags=allow-oom
-- delete(segments, targeting, state; key, generation, change)
--   -> 1, or 0 when that generation is not there
-- KEYS[1] hash segments, KEYS[2] string targeting, KEYS[3] hash state of the environment.
-- Removes a definition and its targeting unless the key has been created again since.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found or cjson.decode(found).generation ~= tonumber(ARGV[2]) then return 0 end
redis.call('UNLINK', KEYS[2])
redis.call('HSET', KEYS[3], 'changed', ARGV[3])
return redis.call('HDEL', KEYS[1], ARGV[1])
