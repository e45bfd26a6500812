#!lua flags=allow-oom
-- segment_delete(segments; key, generation) -> 1, or 0 when that generation is not there
-- KEYS[1] hash segments. Removes a definition unless the key has been created anew since.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found or cjson.decode(found).generation ~= tonumber(ARGV[2]) then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
