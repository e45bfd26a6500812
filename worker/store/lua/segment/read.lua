#!lua flags=no-writes
-- read(segments, targeting…; key…) -> {{definition…}, {targeting…}}, nil where there is none
-- KEYS[1] hash segments, then the string of each key's targeting. Up to 1,000 keys a call, all
-- as of one moment. A script, because a cluster's pipeline takes no MGET.
return {redis.call('HMGET', KEYS[1], unpack(ARGV)), redis.call('MGET', unpack(KEYS, 2))}
