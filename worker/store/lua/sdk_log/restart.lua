#!lua flags=allow-oom
-- restart(log, entries, refs, sdk_store; token[, ref]) -> 1, or 0 when there is nothing to drop
-- Drops the log, because it is not known what it lacks; the next relay that asks opens another one,
-- which knows no version of this one. With a list, only if the log follows that. One step.
if not may_write(KEYS[4], ARGV[1]) then return 0 end
if ARGV[2] and redis.call('HEXISTS', refs, ARGV[2]) == 0 then return 0 end
redis.call('UNLINK', log, entries, refs)
return 1
