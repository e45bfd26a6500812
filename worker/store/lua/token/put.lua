#!lua flags=allow-oom
-- put(tokens; id, expected, record, changed) -> 1, or 0 when nothing was written
-- KEYS[1] hash of access tokens. Replaces a record that is still as expected; '' is none. The
-- new value of 'changed' tells every process in the same step that it must read again.
local field = 'token:' .. ARGV[1]
if (redis.call('HGET', KEYS[1], field) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], field, ARGV[3], 'changed', ARGV[4])
return 1
