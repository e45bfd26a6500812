#!lua
-- follow(record; holder, ttl_ms, random number) -> {'ok', revision, after}
--                                                | {'deleted'} | {'unknown'}
-- Pins the live revision as 'pin' does, and from then on keeps what changes the list in its feed:
-- entries after that one may not be in what is read of the revision. Again for one holder, it renews
-- what that has. The random number makes the first entry differ from those of a feed that was
-- dropped. Cost: a few commands.
local live, without = live_revision()
if not live then return without end
local now, ttl = now_ms(), tonumber(ARGV[2])
local made, floor = feed_bounds()
if not made then
  drop_feed()
  made = redis.call('XADD', FEED, string.format('%.0f', now) .. '-' .. ARGV[3], 'fed', 0,
    'made', ARGV[1])
  floor = made
  redis.call('HSET', record, 'feed', made .. ' ' .. floor .. ' 0', 'fed', 0)
end
local pin, field = 'pin:' .. ARGV[1], 'follow:' .. ARGV[1]
local revision, until_ms = string.match(
  redis.call('HGET', record, pin) or '', '^(%S+ %d+ %d+) (%d+)$')
local feed, after = string.match(redis.call('HGET', record, field) or '', '^(%S+) (%S+)$')
if not revision or feed ~= made or tonumber(until_ms) <= now then
  local last = redis.call('XREVRANGE', FEED, '+', '-', 'COUNT', 1)[1]
  revision, after = live, last and last[1] or floor
elseif parse(revision) == parse(live) then
  -- It may have been empty.
  revision = live
end
redis.call('HSET', record, pin, revision .. ' ' .. string.format('%.0f', now + ttl),
  field, made .. ' ' .. after)
if redis.call('PTTL', FEED) < ttl then redis.call('PEXPIRE', FEED, math.max(1, ttl)) end
return {'ok', revision, after}
