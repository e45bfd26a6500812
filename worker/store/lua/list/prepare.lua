#!lua
-- prepare(record; import id, included bits, excluded bits) -> target, or FENCED
-- prepare(record; import id) -> target, or FENCED when it is not prepared
-- Fixes, once, how many shards the new revision has; before it nothing can be written.
-- Opens the fence, again if it was lost.
-- The excluded list never gets fewer than the live one has.
local id = ARGV[1]
if not holds(id) then return fenced(id) end
if not redis.call('HGET', record, 'prepared') then
  if #ARGV == 1 then return redis.error_reply('FENCED the size of import ' .. id .. ' is lost') end
  local name = parse(redis.call('HGET', record, 'target'))
  local _, live = parse(redis.call('HGET', record, 'live'))
  redis.call('HSET', record, 'prepared', 1,
    'target', name .. ' ' .. ARGV[2] .. ' ' .. math.max(tonumber(ARGV[3]), live.excluded))
end
if may_write(id) then open_fence() end
return redis.call('HGET', record, 'target')
