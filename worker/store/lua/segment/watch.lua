#!lua flags=allow-oom
-- watch(reclaimable; list name) -> 1, or 0 when it was listed before
-- KEYS[1] set: lists that have or will have something to reclaim. A script, because a
-- server out of memory refuses a plain SADD, and then nothing could be deleted any more.
return redis.call('SADD', KEYS[1], ARGV[1])
