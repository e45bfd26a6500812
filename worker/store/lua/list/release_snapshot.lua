#!lua flags=allow-oom
-- release_snapshot(record; holder) -> 1 | 0 when it had none
-- Removes the pin with it; the last one takes the changes that were kept for it along.
redis.call('HDEL', record, 'pin:' .. ARGV[1])
local removed = redis.call('HDEL', record, 'snapshot:' .. ARGV[1])
if removed == 1 then drop_unread_changes() end
return removed
