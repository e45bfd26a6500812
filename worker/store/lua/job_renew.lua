#!lua flags=allow-oom
-- job_renew(job; token, stage, n, lease_ms, rows, bytes) -> 1, or 0 when the lease is another's
-- KEYS[1] hash: the job's record. Prolongs a lease, and only because of progress.
local unit = ARGV[2] .. ':' .. ARGV[3]
local lease = redis.call('HGET', KEYS[1], 'lease:' .. unit)
if not lease or redis.call('HGET', KEYS[1], 'ended') then return 0 end
local token, _, tries = string.match(lease, '^(%S+) (%d+) (%d+)$')
if token ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'lease:' .. unit,
  token .. ' ' .. (now + tonumber(ARGV[4])) .. ' ' .. tries, 'touched', now,
  'rows:' .. unit, ARGV[5], 'bytes:' .. unit, ARGV[6])
return 1
