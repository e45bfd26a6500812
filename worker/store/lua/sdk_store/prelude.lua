-- Put in front of the scripts about the sets that SDKs read. Those about the sets themselves run
-- on the server of the SDKs, which is no cluster, so that they need not declare the keys of sets.
-- KEYS[1] there is the canary, a hash that is gone once the server is flushed or replaced: `name`,
-- `writer` and `writes`, which counts the calls that changed sets, so that a server that has lost
-- the last of them is found out.

-- Whether the canary has this name, and this worker is the one whose writes are taken.
local function is_ours(name, writer)
  local canary = redis.call('HMGET', KEYS[1], 'name', 'writer')
  return canary[1] == name and canary[2] == writer
end

-- Counts a call that changed sets.
local function count_write()
  return redis.call('HINCRBY', KEYS[1], 'writes', 1)
end

-- Runs SADD or SREM of one reference for each hash of 44 characters; gives how many changed.
local function change(command, prefix, ref, hashes)
  local changed = 0
  for at = 1, #hashes, 44 do
    changed = changed + redis.call(command, prefix .. string.sub(hashes, at, at + 43), ref)
  end
  return changed
end
