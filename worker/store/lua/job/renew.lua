#!lua flags=allow-oom
-- renew(job; token, stage, n, lease_ms, rows, bytes, field, share) -> 1, or 0 when the lease is another's
-- Prolongs a lease, and only because of progress. The field holds how much of the unit is done,
-- or of what it does of another stage; '' for none.
local unit = ARGV[2] .. ':' .. ARGV[3]
local token, _, tries = read_lease(unit)
if token ~= ARGV[1] or redis.call('HGET', job, 'ended') then return 0 end
write_lease(unit, token, now_ms(), ARGV[4], tries)
raise_to('rows:' .. unit, ARGV[5])
raise_to('bytes:' .. unit, ARGV[6])
if ARGV[7] ~= '' then raise_to(ARGV[7], ARGV[8]) end
return 1
