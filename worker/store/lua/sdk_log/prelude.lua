-- Put in front of the scripts about an environment's log of changes for relays.
--
-- KEYS[1]  hash    the log: `epoch`, a name that no other log has; `head` and `head_tag`, number and
--                  tag of the last entry; `floor` and `floor_tag`, those of the last one dropped;
--                  `bytes` of the entries; `kept`, a digest of the lists that it follows
-- KEYS[2]  stream  its entries; the number of each is the first part of its id
-- KEYS[3]  hash    `segment.gN` of each list that it follows -> number of the entry that began it
local log, entries, refs = KEYS[1], KEYS[2], KEYS[3]

-- A relay must have asked within this time for anything to be kept.
local KEEP_S = 7 * 86400
local PER_ENTRY = 200

-- The entries last as long as the log itself.
local function expire_with_log(key)
  redis.call('EXPIRE', key, math.max(1, math.ceil(redis.call('PTTL', log) / 1000)))
end

-- Appends an entry; without fields it says that the whole list is to be read.
local function add(tag, ref, fields)
  local number = redis.call('HINCRBY', log, 'head', 1)
  local size = PER_ENTRY + #ref
  local entry = {number .. '-0', 'ref', ref, 'tag', tag, 'at', now_ms()}
  for _, text in ipairs(fields) do
    entry[#entry + 1] = text
    size = size + #text
  end
  entry[#entry + 1], entry[#entry + 2] = 'size', size
  redis.call('XADD', entries, unpack(entry))
  redis.call('HSET', log, 'head_tag', tag)
  redis.call('HINCRBY', log, 'bytes', size)
  expire_with_log(entries)
  return number
end

-- Whether this worker is the one that keeps the environment's sets for SDKs, and a relay has asked.
local function may_write(sdk_store, token)
  return redis.call('HGET', sdk_store, 'writer') == token and redis.call('EXISTS', log) == 1
end
