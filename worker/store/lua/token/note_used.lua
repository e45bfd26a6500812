-- note_used(tokens; id, ms, id, ms, …) -> how many were noted
-- KEYS[1] hash of access tokens. A time never goes back, whoever notes it last, and nothing is
-- left behind for a token revoked meanwhile. Does not touch 'changed'.
local noted = 0
for n = 1, #ARGV, 2 do
  local field = 'used:' .. ARGV[n]
  local before = tonumber(redis.call('HGET', KEYS[1], field) or '0')
  if redis.call('HEXISTS', KEYS[1], 'token:' .. ARGV[n]) == 1 and before < tonumber(ARGV[n + 1]) then
    redis.call('HSET', KEYS[1], field, ARGV[n + 1])
    noted = noted + 1
  end
end
return noted
