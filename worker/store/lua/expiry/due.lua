#!lua flags=no-writes
-- due(hints; most) -> {now ms, ms to the next hint or -1, reference…}
-- KEYS[1] sorted set of hints. The references that are due by the server's clock.
local now = now_ms()
local following = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES',
  'LIMIT', 0, 1)
local reply = {now, following[2] and tonumber(following[2]) - now or -1}
for _, reference in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  reply[#reply + 1] = reference
end
return reply
