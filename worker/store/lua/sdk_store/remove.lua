#!lua flags=allow-oom
-- remove(canary; name, writer, key prefix, ref, hashes) -> {writes, removed} | {} when not ours
-- Cost: about 2 µs a hash.
if not is_ours(ARGV[1], ARGV[2]) then return {} end
local removed = change('SREM', ARGV[3], ARGV[4], ARGV[5])
return {count_write(), removed}
