#!lua flags=allow-oom
-- append(log[, state]; limit, entry) -> id, or 'closed' when the environment is deleted
-- KEYS[1] stream: the log, KEYS[2] hash state of its environment, none for the account's log.
-- Forgets the oldest entries over the limit. Also written when the server is out of memory,
-- because deletions are possible then and must not go unseen; the limit bounds it.
if KEYS[2] and redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return 'closed' end
return redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'entry', ARGV[2])
