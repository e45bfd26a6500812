#!lua flags=allow-oom
-- trim_feed(record; after) -> 1 | 0 when there is no such entry
-- Drops the entries up to this one, which nobody needs any more. Cost: that of the entries dropped.
local made = feed_bounds()
local entry = made and redis.call('XRANGE', FEED, ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local ms, sequence = string.match(ARGV[1], '^(%d+)-(%d+)$')
redis.call('XTRIM', FEED, 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
redis.call('HSET', record, 'feed', made .. ' ' .. ARGV[1] .. ' ' .. entry[2][2])
return 1
