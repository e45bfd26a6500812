#!lua flags=allow-oom
-- sweep(canary; name, writer, key, ref, key, ref, …) -> {writes, removed} | {} when not ours
-- Removes references from sets. Cost: one step a reference.
if not is_ours(ARGV[1], ARGV[2]) then return {} end
local removed = 0
for at = 3, #ARGV, 2 do
  removed = removed + redis.call('SREM', ARGV[at], ARGV[at + 1])
end
return {count_write(), removed}
