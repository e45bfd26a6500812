#!lua flags=allow-oom
-- admit(state, strangers; digest, shift at first, least shift, pause ms, change)
--   -> {shift, whether it is admitted}
-- KEYS[1] hash: the state of the environment; KEYS[2] hash: digest of a version that nobody knows
-- here -> the shift under which whoever has it may begin, or 0 while it waits for one.
-- A relay with such a version may hold anything of what was ever sent, so it begins under
-- references that were never used: the shift is raised, at most once in a pause, for all that wait.
-- Those who read definitions learn of it by the mark of changes. Cost: a few steps, one for each
-- version that waits, of which there are 64 at most.
local MOST = 64
local shift = tonumber(redis.call('HGET', KEYS[1], 'relay_shift') or ARGV[2])
local raised = tonumber(redis.call('HGET', KEYS[1], 'relay_raised') or '0')
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and known ~= '0' and tonumber(known) == shift then return {shift, 1} end

if not known and redis.call('HLEN', KEYS[2]) >= MOST then
  redis.call('HDEL', KEYS[2], redis.call('HKEYS', KEYS[2])[1])
end
redis.call('HSET', KEYS[2], ARGV[1], 0)
redis.call('EXPIRE', KEYS[2], 7 * 86400)
local now = now_ms()
if now < raised + tonumber(ARGV[4]) then return {shift, 0} end

shift = math.max(shift + 1, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'relay_shift', shift, 'relay_raised', now, 'changed', ARGV[5])
for _, digest in ipairs(redis.call('HKEYS', KEYS[2])) do
  if redis.call('HGET', KEYS[2], digest) == '0' then
    redis.call('HSET', KEYS[2], digest, shift)
  end
end
return {shift, 1}
