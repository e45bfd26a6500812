#!lua flags=allow-oom
-- hint(hints; reference, due ms, how) -> 1, or 0 when nothing had to be changed
-- KEYS[1] sorted set: references by the time at which something of theirs expires first. how is
-- 'by' (no later than), 'at' (in place of what was there) or 'never' (remove it). A script,
-- because a server out of memory refuses a plain ZADD, and then nothing would expire any more.
if ARGV[3] == 'never' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
local there = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] == 'by' and there and tonumber(there) <= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
