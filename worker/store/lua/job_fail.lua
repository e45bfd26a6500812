#!lua flags=allow-oom
-- job_fail(job; token, stage, n, pause_ms) -> 1, or 0 when the lease is another's
-- KEYS[1] hash: the job's record. Gives a unit back after a transient error; the next try
-- may start when the pause is over. Tries stay counted.
local unit = ARGV[2] .. ':' .. ARGV[3]
local lease = redis.call('HGET', KEYS[1], 'lease:' .. unit)
if not lease then return 0 end
local token, _, tries = string.match(lease, '^(%S+) (%d+) (%d+)$')
if token ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], 'lease:' .. unit,
  'released ' .. (now + tonumber(ARGV[4])) .. ' ' .. tries, 'touched', now)
return 1
