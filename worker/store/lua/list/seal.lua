#!lua
-- seal(record; import id, stage) -> {seal} | {seal, included, excluded}, or FENCED
-- stage 'publish' ends all writing of shards, so that they can be counted; 'gather' opens it
-- again as long as no edit was replayed and it does not wait for an approval. Each seal has its
-- own number: figures counted under another one are void. Once replay has begun, or the import
-- waits, the counts are fixed and given back.
local id = ARGV[1]
if not holds(id) or not redis.call('HGET', record, 'prepared') then return fenced(id) end
local counted = redis.call('HGET', record, 'counted')
if ARGV[2] == 'gather' and counted then
  if redis.call('HGET', record, 'replayed') ~= '0-0' or awaits_approval() then
    return fenced(id)
  end
  redis.call('HDEL', record, 'counted')
  counted = nil
end
if redis.call('HGET', record, 'stage') ~= ARGV[2] then
  redis.call('HSET', record, 'stage', ARGV[2])
  if ARGV[2] == 'publish' then
    redis.call('HINCRBY', record, 'seal', 1)
    redis.call('UNLINK', FENCE)
  else
    open_fence()
  end
end
local reply = {tonumber(redis.call('HGET', record, 'seal') or '0')}
for count in string.gmatch(counted or '', '%d+') do reply[#reply + 1] = tonumber(count) end
return reply
