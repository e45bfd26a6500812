#!lua flags=allow-oom
-- renew(job; token, stage, n, lease_ms, rows, bytes) -> 1, or 0 when the lease is another's
-- Prolongs a lease, and only because of progress.
local unit = ARGV[2] .. ':' .. ARGV[3]
local token, _, tries = read_lease(unit)
if token ~= ARGV[1] or redis.call('HGET', job, 'ended') then return 0 end
write_lease(unit, token, now_ms(), ARGV[4], tries)
redis.call('HSET', job, 'rows:' .. unit, ARGV[5], 'bytes:' .. unit, ARGV[6])
return 1
