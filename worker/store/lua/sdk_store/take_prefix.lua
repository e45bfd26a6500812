#!lua flags=allow-oom
-- take_prefix(sdk_stores; prefix, environment) -> the environment that has the prefix
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
