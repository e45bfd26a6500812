#!lua flags=allow-oom
-- cancel(record; import id, unapproved, by) -> 'cancelled' | 'done' | 'lost' | 'approved'
-- Ends a build without publishing it; what it wrote is left for reclaim. With unapproved '1'
-- only as long as the import waits for its approval. The first name in by is kept: the import
-- gets no claim after that, also if it had none yet. '' keeps nothing.
local id = ARGV[1]
if not holds(id) and published(id) then return 'done' end
if ARGV[3] ~= '' and live_revision() then
  redis.call('HSETNX', record, 'cancelled:' .. id, now_ms() .. ' ' .. ARGV[3])
end
if not holds(id) then return 'lost' end
if ARGV[2] == '1' and not awaits_approval() then return 'approved' end
abandon_target()
return 'cancelled'
