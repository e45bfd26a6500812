#!lua flags=allow-oom
-- give_back(job; token, stage, n, pause_ms) -> 1, or 0 when the lease is another's
-- Gives a unit back after a transient error; the next try may start when the pause is over.
-- Tries stay counted.
local unit = ARGV[2] .. ':' .. ARGV[3]
local token, _, tries = read_lease(unit)
if token ~= ARGV[1] then return 0 end
write_lease(unit, 'released', now_ms(), ARGV[4], tries)
return 1
