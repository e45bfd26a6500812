#!lua flags=allow-oom
-- put_request(request; expected, record, keep ms) -> 1, or 0 when nothing was written
-- KEYS[1] string: one request under its idempotency key. Replaces a record that is still as
-- expected; '' is none, before and after.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
