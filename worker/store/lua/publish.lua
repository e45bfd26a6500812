#!lua
-- publish(record, edits; import id, included, excluded, retire_after_ms, seal, hold)
--   -> {'more'} | {'lost'} | {'unsealed'} | {'waits'} | {'approved'}
--    | {'held', more, ops left in the journal, edited included, edited excluded}
--    | {'done', included, excluded, edited included, edited excluded, version}
-- included and excluded are the members counted under that seal; the first call fixes them.
-- Replays journal entries until 5,000 ops are done (< 6,000 a call); the call that
-- finds no more makes the new revision live in the same step. Running it again after that
-- answers 'done' with the same figures, also when later imports were published.
-- An import that waits for its approval is refused with 'waits'; with hold '1' its edits are
-- replayed all the same and leave the journal, and nothing becomes live.
local MOST_OPS, FETCHED = 5000, 5
local id = ARGV[1]
local hold = ARGV[6] == '1'
if not holds(id) then return published(id) or {'lost'} end
if hold ~= (redis.call('HGET', record, 'approval') == 'awaited') then
  return {hold and 'approved' or 'waits'}
end
local counted = redis.call('HGET', record, 'counted')
if not counted then
  if redis.call('HGET', record, 'stage') ~= 'publish'
    or redis.call('HGET', record, 'seal') ~= ARGV[5] then
    return {'unsealed'}
  end
  counted = ARGV[2] .. ' ' .. ARGV[3]
end
local name, bits = parse(redis.call('HGET', record, 'target'))
local replayed = redis.call('HGET', record, 'replayed')
local change, done, ended = {included = 0, excluded = 0}, 0, false
while done < MOST_OPS and not ended do
  local entries = redis.call('XRANGE', KEYS[2], '(' .. replayed, '+', 'COUNT', FETCHED)
  for _, entry in ipairs(entries) do
    if done >= MOST_OPS then break end
    local ops = entry[2]
    for i = 1, #ops, 2 do
      local op, hash32 = string.sub(ops[i], 1, 2), string.sub(ops[i], 3)
      local side = side_of(op)
      change[side] = change[side] + apply(name, bits, op, hash32, ops[i + 1])
    end
    replayed, done = entry[1], done + #ops / 2
  end
  ended = #entries == 0
end
local edited_included = redis.call('HINCRBY', record, 'replay_included', change.included)
local edited_excluded = redis.call('HINCRBY', record, 'replay_excluded', change.excluded)
if hold or not ended then
  redis.call('HSET', record, 'counted', counted, 'replayed', replayed,
    'target', format_revision(name, bits))
  if not hold then return {'more'} end
  local ms, sequence = string.match(replayed, '^(%d+)-(%d+)$')
  redis.call('XTRIM', KEYS[2], 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
  local left = redis.call('HINCRBY', record, 'journal', -math.floor(done))
  return {'held', ended and 0 or 1, left, edited_included, edited_excluded}
end
local now = now_ms()
local live = redis.call('HGET', record, 'live')
local old = parse(live)
local included, excluded = string.match(counted, '^(%d+) (%d+)$')
included, excluded = tonumber(included) + edited_included, tonumber(excluded) + edited_excluded
local version = tonumber(redis.call('HGET', record, 'version'))
if string.sub(id, 1, 8) ~= 'reshard-' then
  version = redis.call('HINCRBY', record, 'version', 1)
  redis.call('HSET', record, 'modified', now, 'last_import', id .. ' ' .. now .. ' ' .. version)
  -- Of members that are not in the new revision; the next claim waits until they are dropped.
  if redis.call('EXISTS', SCHEDULES) == 1 then redis.call('HSET', record, 'prune', id) end
end
redis.call('HSET', record, 'live', format_revision(name, bits), 'included', included,
  'excluded', excluded, 'retired:' .. old, live .. ' ' .. (now + tonumber(ARGV[4])),
  'published:' .. id, now .. ' ' .. included .. ' ' .. excluded .. ' ' .. edited_included
    .. ' ' .. edited_excluded .. ' ' .. version)
end_build()
return published(id)
