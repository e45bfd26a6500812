#!lua
-- hold(record, edits; import id, included, excluded, seal)
--   -> {'held', more, ops left in the journal, edited included, edited excluded}
--    | {'lost'} | {'unsealed'} | {'approved'} | {'done', …} as publish
-- Replays journalled edits onto a build that waits for its approval, as publish does, and
-- drops them from the journal; nothing becomes live. From the first call on it can be approved.
-- A build whose claim did not ask for an approval needs one from then on.
local id = ARGV[1]
if not holds(id) then return published(id) or {'lost'} end
redis.call('HSETNX', record, 'approval', 'awaited')
if not awaits_approval() then return {'approved'} end
local build = replay(ARGV[2], ARGV[3], ARGV[4], REPLAYED_OPS)
if not build then return {'unsealed'} end
save_replay(build)
local ms, sequence = string.match(build.replayed, '^(%d+)-(%d+)$')
redis.call('XTRIM', KEYS[2], 'MINID', ms .. '-' .. string.format('%.0f', sequence + 1))
return {'held', build.ended and 0 or 1, build.left, build.included, build.excluded}
