#!lua flags=no-writes
-- read(counters, survey) -> {now_ms, {field, total, …}, survey or nil}
return {now_ms(), redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2])}
