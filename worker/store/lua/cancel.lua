#!lua flags=allow-oom
-- cancel(record; import id) -> 'cancelled' | 'done' | 'lost'
-- Ends a build without publishing it; what it wrote is left for reclaim.
local id = ARGV[1]
if not holds(id) then
  if published(id) then return 'done' end
  return 'lost'
end
abandon_target()
return 'cancelled'
