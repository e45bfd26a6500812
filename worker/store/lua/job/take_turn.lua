#!lua flags=allow-oom
-- take_turn(turn; token, period_ms) -> 1, or 0 when another has had the turn in this period
-- KEYS[1] string: whose turn a chore is. A script, because a server out of memory refuses a
-- plain SET, and then nothing would be swept or freed any more.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
