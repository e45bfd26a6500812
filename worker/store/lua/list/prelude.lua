-- Put in front of every script in this folder when it is loaded.
--
-- KEYS[1]  hash    the list record, '<prefix>:{project:environment:segment.gN}:list'
-- KEYS[2]  stream  the journal of edits, where the script says so
-- All other keys are made from KEYS[1], so they share its hash tag and slot.
--
-- A revision is written 'name included_bits excluded_bits'; a list of b bits has 2^b
-- shards, and 0 bits means: one shard, no member.
local record = KEYS[1]
local prefix = string.sub(record, 1, -5)
local SENTINEL = '\0'
local FIRST_BITS = 4

local function shard_key(name, side, index)
  return prefix .. name .. ':' .. side .. ':' .. string.format('%04x', index)
end

local function parse(revision)
  local name, included, excluded = string.match(revision, '^(%S+) (%d+) (%d+)$')
  return name, {included = tonumber(included), excluded = tonumber(excluded)}
end

local function format_revision(name, bits)
  return name .. ' ' .. bits.included .. ' ' .. bits.excluded
end

-- hash32 holds the 32 high bits of a member's hash; its high bits are the shard.
local function shard_of(hash32, bits)
  return math.floor(tonumber(hash32) / 2 ^ (32 - bits))
end

-- An empty list has one shard; its first member spreads it over sixteen.
local function spread(name, side, bits)
  for index = 0, 2 ^ FIRST_BITS - 1 do
    redis.call('SADD', shard_key(name, side, index), SENTINEL)
  end
  bits[side] = FIRST_BITS
end

local function side_of(op)
  if string.sub(op, 1, 1) == 'i' then return 'included' end
  return 'excluded'
end

-- Applies one op ('i+', 'i-', 'e+', 'e-') and returns how the side's count changed. A caller
-- that knows the shard gives it.
local function apply(name, bits, op, hash32, member, shard)
  local side, adds = side_of(op), string.sub(op, 2) == '+'
  if adds and bits[side] == 0 then spread(name, side, bits) end
  shard = shard or shard_key(name, side, shard_of(hash32, bits[side]))
  if adds then return redis.call('SADD', shard, member) end
  return -redis.call('SREM', shard, member)
end

-- Keeps what was done to the live list for an import that builds; entry holds op .. hash32 and
-- member by turns. It is split, because replay stops only between two entries.
local function write_journal(entry)
  local MOST_FIELDS = 100
  if #entry == 0 or not redis.call('HGET', record, 'building') then return end
  for from = 1, #entry, MOST_FIELDS do
    redis.call('XADD', KEYS[2], '*', unpack(entry, from, math.min(from + MOST_FIELDS - 1, #entry)))
  end
  redis.call('HINCRBY', record, 'journal', math.floor(#entry / 2))
end

-- What has changed the live list since a snapshot was taken, for those who read it as it was then.
-- The stream is there as long as a snapshot may be read; an entry is 'of' and the revision, then
-- op .. hash32 and member by turns. Beyond so many changes it is given up: what is read then stops.
local CHANGES = prefix .. 'changes'
local MOST_CHANGES = 500000

local function keep_changes(name, entry)
  local MOST_FIELDS = 100
  if #entry == 0 or redis.call('EXISTS', CHANGES) == 0 then return end
  local kept = redis.call('HINCRBY', record, 'changes', math.floor(#entry / 2))
  if kept > MOST_CHANGES then
    redis.call('UNLINK', CHANGES)
    return
  end
  for from = 1, #entry, MOST_FIELDS do
    redis.call('XADD', CHANGES, '*', 'of', name,
      unpack(entry, from, math.min(from + MOST_FIELDS - 1, #entry)))
  end
end

-- What changes the live list, for those who follow it; it is there while somebody does. An entry is
-- 'fed' and how many ops there were up to it, then op .. hash32 and member by turns, or 'flip' and
-- the revision that went live. 'feed' in the record has the entry that made the stream, the last one
-- that was trimmed, and the ops up to it. Beyond so many ops it is given up: its followers compare
-- whole lists then.
local FEED = prefix .. 'feed'
local MOST_FED = 500000

local function drop_feed()
  redis.call('UNLINK', FEED)
  redis.call('HDEL', record, 'feed', 'fed')
end

-- The first entry, the last one that was trimmed, and the ops up to it; nil without a feed.
local function feed_bounds()
  if redis.call('EXISTS', FEED) == 0 then return nil end
  return string.match(redis.call('HGET', record, 'feed') or '', '^(%S+) (%S+) (%d+)$')
end

local function feed_ops(entry)
  local MOST_FIELDS = 100
  if #entry == 0 then return end
  local _, _, trimmed = feed_bounds()
  if not trimmed then return end
  local fed = redis.call('HINCRBY', record, 'fed', math.floor(#entry / 2))
  if fed - trimmed > MOST_FED then return drop_feed() end
  for from = 1, #entry, MOST_FIELDS do
    redis.call('XADD', FEED, '*', 'fed', fed,
      unpack(entry, from, math.min(from + MOST_FIELDS - 1, #entry)))
  end
end

local function feed_flip(revision)
  if not feed_bounds() then return end
  redis.call('XADD', FEED, '*', 'fed', redis.call('HGET', record, 'fed'), 'flip', revision)
end

-- Removals at a set time are a sorted set of names by Unix ms and a hash, name to 'due version
-- id'. A name is 'i' or 'e', 8 hex digits of the hash, and the member. A schedule whose member
-- is not in its list is void: a flip has dropped the member, and no walk has passed since.
local SCHEDULES, DETAILS = prefix .. 'expiring', prefix .. 'expiring-details'

local function schedule_name(op, hash32, member)
  return string.sub(op, 1, 1) .. string.format('%08x', tonumber(hash32)) .. member
end

-- Gives the side, hash32, member and shard of the live list that a schedule is about.
local function scheduled(name, revision, bits)
  local side, hash32 = side_of(name), tonumber(string.sub(name, 2, 9), 16)
  local shard = shard_key(revision, side, shard_of(hash32, bits[side]))
  return side, hash32, string.sub(name, 10), shard
end

local function drop_schedules(names)
  for from = 1, #names, 1000 do
    local to = math.min(from + 999, #names)
    redis.call('ZREM', SCHEDULES, unpack(names, from, to))
    redis.call('HDEL', DETAILS, unpack(names, from, to))
  end
end

-- Names and values of the record's fields of one kind, by turns. The server picks them out: figures
-- of thousands of imports would be slow to go through here.
local function fields_like(pattern)
  return redis.call('HSCAN', record, 0, 'MATCH', pattern, 'COUNT', 1000000)[2]
end

local function drop_unread_feed()
  if #fields_like('follow:*') == 0 then drop_feed() end
end

local function drop_unread_changes()
  if #fields_like('snapshot:*') == 0 then
    redis.call('UNLINK', CHANGES)
    redis.call('HDEL', record, 'changes')
  end
end

-- The live revision; without one nil, and what a script answers then.
local function live_revision()
  local live = redis.call('HGET', record, 'live')
  if live then return live end
  return nil, {redis.call('HEXISTS', record, 'deleted') == 1 and 'deleted' or 'unknown'}
end

local function holds(id)
  return redis.call('HGET', record, 'building') == id
end

-- Whether an import may write shards: its size is fixed, and nobody counts them yet.
local function may_write(id)
  return holds(id) and redis.call('HGET', record, 'stage') == 'gather'
    and redis.call('HEXISTS', record, 'prepared') == 1
end

-- Whether the build cannot be published now: it is not approved yet, or a dry run.
local function awaits_approval()
  local approval = redis.call('HGET', record, 'approval')
  return approval == 'awaited' or approval == 'never'
end

local function is_resharding()
  return redis.call('HGET', record, 'builder') == 'reshard'
end

-- While this key names the revision being built, whole shards of it are written without a
-- script: WATCH, GET, MULTI, RESTORE, EXEC. Each step that ends the writing removes it, which
-- fails every EXEC that is still to come. Setting it again would fail those of the same build.
local FENCE = prefix .. 'fence'

local function open_fence()
  local name = parse(redis.call('HGET', record, 'target'))
  if redis.call('GET', FENCE) ~= name then redis.call('SET', FENCE, name) end
end

local function fenced(id)
  return redis.error_reply('FENCED import ' .. id .. ' does not hold this list')
end

-- The figures of an import that became live, or nil. They are kept for days, because an
-- import can be replaced by the next before its own worker learns that it was published.
local function published(id)
  local figures = redis.call('HGET', record, 'published:' .. id)
  if not figures then return nil end
  local reply = {'done'}
  for figure in string.gmatch(figures, ' (%-?%d+)') do reply[#reply + 1] = tonumber(figure) end
  return reply
end

local function end_build()
  redis.call('HDEL', record, 'building', 'builder', 'base', 'stage', 'seal', 'counted', 'replayed', 'target',
    'prepared', 'replay_included', 'replay_excluded', 'catch_up', 'journal', 'approval')
  redis.call('UNLINK', prefix .. 'edits', FENCE)
end

-- Abandons what a build has written; the sweep frees it.
local function abandon_target()
  local target = redis.call('HGET', record, 'target')
  if target and redis.call('HGET', record, 'prepared') then
    local name = parse(target)
    redis.call('HSET', record, 'reclaim:' .. name, target)
  end
  end_build()
end

-- The membership version at which the live revision became live, and when that was.
local function became_live()
  local ms, version = string.match(redis.call('HGET', record, 'since') or '0 1', '^(%d+) (%d+)$')
  return tonumber(version), ms
end

-- Keeps the live revision, which is being replaced, so that it can be published again: when it may
-- be freed at the earliest, when it was replaced, since when it was live, its counts, how often it
-- was edited while it was live, and the import that made it: its id, when, and edits since.
local function keep_live(live, now, free_ms)
  local version = tonumber(redis.call('HGET', record, 'version'))
  local since_version, since_ms = became_live()
  local import, import_ms, import_version = string.match(
    redis.call('HGET', record, 'last_import') or '- 0 ' .. version, '^(%S+) (%d+) (%d+)$')
  redis.call('HSET', record, 'retired:' .. parse(live), table.concat({live, free_ms, now,
    since_ms, redis.call('HGET', record, 'included'), redis.call('HGET', record, 'excluded'),
    version - since_version, import, import_ms, version - tonumber(import_version)}, ' '))
end

-- Ends a build that gives way to another job, or to a revision; it gets no second claim.
local function supersede(building, by)
  abandon_target()
  redis.call('HSET', record, 'superseded:' .. building, now_ms() .. ' ' .. by)
end

-- Applies journalled edits to the revision being built, until this many ops are done (< 50 more
-- a call). The first call fixes the counts, which must have been made under the last seal, or
-- it gives nil. 'ended': nothing is left in the journal, of which 'left' ops are. Cost: 1 command
-- per op.
local REPLAYED_OPS = 100

local function replay(included, excluded, seal, most)
  local FETCHED = 2
  local counted = redis.call('HGET', record, 'counted')
  if not counted then
    if redis.call('HGET', record, 'stage') ~= 'publish'
      or redis.call('HGET', record, 'seal') ~= seal then
      return nil
    end
    counted = included .. ' ' .. excluded
  end
  local name, bits = parse(redis.call('HGET', record, 'target'))
  local replayed = redis.call('HGET', record, 'replayed')
  local change, done, ended = {included = 0, excluded = 0}, 0, false
  while done < most and not ended do
    local entries = redis.call('XRANGE', KEYS[2], '(' .. replayed, '+', 'COUNT', FETCHED)
    for _, entry in ipairs(entries) do
      if done >= most then break end
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
  return {
    target = format_revision(name, bits), counted = counted, replayed = replayed, ended = ended,
    left = redis.call('HINCRBY', record, 'journal', 0 - math.floor(done)),
    included = redis.call('HINCRBY', record, 'replay_included', change.included),
    excluded = redis.call('HINCRBY', record, 'replay_excluded', change.excluded),
  }
end

local function save_replay(build)
  redis.call('HSET', record, 'counted', build.counted, 'replayed', build.replayed,
    'target', build.target)
end
