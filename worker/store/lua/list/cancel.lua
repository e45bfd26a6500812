#!lua flags=allow-oom
-- cancel(record; import id, unapproved) -> 'cancelled' | 'done' | 'lost' | 'approved'
-- Ends a build without publishing it; what it wrote is left for reclaim. With unapproved '1'
-- only as long as the import waits for its approval.
local id = ARGV[1]
if not holds(id) then
  if published(id) then return 'done' end
  return 'lost'
end
if ARGV[2] == '1' and not awaits_approval() then return 'approved' end
abandon_target()
return 'cancelled'
