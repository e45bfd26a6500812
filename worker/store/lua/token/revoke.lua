#!lua flags=allow-oom
-- revoke(tokens; changed, field, …) -> 1, or 0 when none of the fields was there
-- KEYS[1] hash of access tokens and SDK keys. Works on a server out of memory too: a lost token
-- must be revocable then as well.
if redis.call('HDEL', KEYS[1], unpack(ARGV, 2)) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'changed', ARGV[1])
return 1
