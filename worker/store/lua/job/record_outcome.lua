#!lua flags=allow-oom
-- record_outcome(job, log, state; status, limit, entry) -> 1, or 0 when it was on record before
-- KEYS[2] stream: the environment's audit log, KEYS[3] hash: its state. Puts an outcome of a job
-- on record once, however often it is worked on. Nothing is written once the environment is
-- deleted, and its log with it.
if redis.call('EXISTS', job) == 0 or redis.call('HEXISTS', KEYS[3], 'closed') == 1 then return 0 end
if redis.call('HSETNX', job, 'audited:' .. ARGV[1], now_ms()) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], '*', 'entry', ARGV[3])
return 1
