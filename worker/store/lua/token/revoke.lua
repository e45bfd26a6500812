#!lua flags=allow-oom
-- revoke(tokens; id, changed) -> 1, or 0 when there is no such token
-- KEYS[1] hash of access tokens. Works on a server out of memory too: a lost token must be
-- revocable then as well.
if redis.call('HDEL', KEYS[1], 'token:' .. ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[1], 'used:' .. ARGV[1])
redis.call('HSET', KEYS[1], 'changed', ARGV[2])
return 1
