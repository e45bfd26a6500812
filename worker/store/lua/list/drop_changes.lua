#!lua flags=allow-oom
-- drop_changes(record; after, most entries, member) -> {'dropped'} | {'ok', last id or ''}
-- Gives up what was kept for snapshots if it has a member, looking at a part of it from after an
-- entry on; the id is '' once nothing is left. Who reads such a snapshot stops. Cost: a few µs an
-- entry of 50 ops.
local entries = redis.call('XRANGE', CHANGES, ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for i = 2, #fields, 2 do
    if fields[i] == ARGV[3] then
      redis.call('UNLINK', CHANGES)
      return {'dropped'}
    end
  end
end
local last = entries[#entries]
return {'ok', last and last[1] or ''}
