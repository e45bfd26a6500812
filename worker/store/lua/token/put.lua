#!lua flags=allow-oom
-- put(tokens; field, expected, record, changed) -> 1, or 0 when nothing was written
-- KEYS[1] hash of access tokens and SDK keys. Replaces a record that is still as expected; '' is
-- none. The new value of 'changed' tells every process in the same step that it must read again.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], 'changed', ARGV[4])
return 1
