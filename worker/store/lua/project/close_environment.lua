#!lua flags=allow-oom
-- close_environment(state, log, webhooks; deletion, change)
--   -> 1, or 0 when the environment was created again since
-- A deletion's name begins with its number; none closes what was opened after it or a later one.
-- KEYS[1] hash state of the environment, which then takes no new segment; KEYS[2] stream: its
-- audit log; KEYS[3] hash: its webhooks. Both are removed at once, with what is queued for the
-- webhooks, because nothing is added to them from here on.
local number = tonumber(string.match(ARGV[1], '^%d+'))
if number <= tonumber(redis.call('HGET', KEYS[1], 'opened') or '0') then return 0 end
local closed = redis.call('HGET', KEYS[1], 'closed')
if closed == ARGV[1] then return 1 end
-- A server that has lost its last writes may have forgotten that it was opened.
if closed and number < tonumber(string.match(closed, '^%d+')) then return 0 end
redis.call('HSET', KEYS[1], 'closed', ARGV[1], 'changed', ARGV[2])
redis.call('UNLINK', KEYS[2])
for _, id in ipairs(redis.call('HKEYS', KEYS[3])) do
  for _, part in ipairs({'queue', 'deliveries', 'attempts', 'state'}) do
    redis.call('UNLINK', KEYS[3] .. ':' .. id .. ':' .. part)
  end
end
redis.call('UNLINK', KEYS[3])
return 1
