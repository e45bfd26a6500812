#!lua flags=allow-oom
-- unfollow(record; holder) -> 1 | 0 when it had not followed
-- Removes the pin with it; the last one takes the feed along.
redis.call('HDEL', record, 'pin:' .. ARGV[1])
local removed = redis.call('HDEL', record, 'follow:' .. ARGV[1])
if removed == 1 then drop_unread_feed() end
return removed
