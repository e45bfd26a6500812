#!lua
-- put_shards(record; import id, side, {shard, payload}…) -> shards written, or FENCED
-- Writes whole shards of the revision being built, up to 32 a call. A writer whose import no
-- longer holds the list writes nothing.
local id = ARGV[1]
if not may_write(id) then return fenced(id) end
local name = parse(redis.call('HGET', record, 'target'))
for i = 3, #ARGV, 2 do
  redis.call('RESTORE', shard_key(name, ARGV[2], tonumber(ARGV[i])), 0, ARGV[i + 1], 'REPLACE')
end
return (#ARGV - 2) / 2
