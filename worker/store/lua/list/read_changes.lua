#!lua flags=no-writes
-- read_changes(record; since, after, most entries, revision) -> {'lost'}
--                                       | {'ok', last id or '', op .. hash32, member, …}
-- What has changed a revision after an entry, of a snapshot that began at 'since'; the id is '' once
-- nothing is left. Cost: a few µs an entry of 50 ops.
if #redis.call('XRANGE', CHANGES, ARGV[1], ARGV[1]) == 0 then return {'lost'} end
local entries = redis.call('XRANGE', CHANGES, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
local last = entries[#entries]
local reply = {'ok', last and last[1] or ''}
for _, entry in ipairs(entries) do
  local fields = entry[2]
  if fields[1] == 'of' and fields[2] == ARGV[4] then
    for i = 3, #fields do reply[#reply + 1] = fields[i] end
  end
end
return reply
