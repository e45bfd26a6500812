#!lua flags=allow-oom
-- reclaim(record; revision name, side, first, last, final) -> keys freed
-- Frees up to 128 shards of a revision that is listed for reclaim, and nothing of any
-- other. With final '1' the revision is struck off the list afterwards.
local field = 'reclaim:' .. ARGV[1]
if not redis.call('HGET', record, field) then return 0 end
local shards = {}
for index = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  shards[#shards + 1] = shard_key(ARGV[1], ARGV[2], index)
end
local freed = redis.call('UNLINK', unpack(shards))
if ARGV[5] == '1' then redis.call('HDEL', record, field) end
return freed
