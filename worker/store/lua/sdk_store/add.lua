#!lua
-- add(canary; name, writer, key prefix, ref, hashes) -> {writes, added} | {} when not ours
-- Cost: about 3 µs a hash.
if not is_ours(ARGV[1], ARGV[2]) then return {} end
local added = change('SADD', ARGV[3], ARGV[4], ARGV[5])
return {count_write(), added}
