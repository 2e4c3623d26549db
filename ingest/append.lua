-- Takes one request's items, all or none, in one round trip: the key's rate, the entries, the bells, the counts.
-- KEYS: the key's bucket, the tally, then a stream and its bell for each shard.
-- ARGV: the request's cost in items, items a second (0: no limit), seconds of burst, milliseconds for which a bell
--       rings, accepted items, how many reasons of rejection follow, each with its count, then items and body for each shard; last, until when
--       this is to be done, in milliseconds: who asked has given up after that.
-- Answers {1, bells...}, a 1 for each shard whose bell was silent; {0, milliseconds to wait}; or nil, if it is too late.
-- Redis refuses a script's first write where its memory is full, so nothing is ever half done.
local cost, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[#ARGV]) then return nil end
if rate > 0 then
  local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
  -- A body larger than the bucket passes when the bucket is full, and is paid for in full afterwards.
  local wait = due + math.min(cost, rate * burst) * 1000 / rate - now - burst * 1000
  if wait > 0 then
    redis.call('HINCRBY', KEYS[2], 'throttled', cost)
    return {0, math.ceil(wait)}
  end
  due = due + cost * 1000 / rate
  redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil(due - now) + 1000)
end
local reasons = tonumber(ARGV[6])
local answer = {1}
for shard = 1, (#KEYS - 2) / 2 do
  local place = 5 + 2 * reasons + 2 * shard
  redis.call('XADD', KEYS[2 * shard + 1], '*', 'items', ARGV[place], 'body', ARGV[place + 1])
  local rung = redis.call('SET', KEYS[2 * shard + 2], '', 'NX', 'PX', ARGV[4])
  answer[shard + 1] = rung and 1 or 0
end
if ARGV[5] ~= '0' then
  redis.call('HINCRBY', KEYS[2], 'accepted', ARGV[5])
  redis.call('HINCRBY', KEYS[2], 'entries', (#KEYS - 2) / 2)
end
for reason = 1, reasons do
  redis.call('HINCRBY', KEYS[2], 'rejected:' .. ARGV[5 + 2 * reason], ARGV[6 + 2 * reason])
end
-- The tally's name as well as its age, in microseconds: when it is lost, counting begins anew under another.
if redis.call('HEXISTS', KEYS[2], 'since') == 0 then
  redis.call('HSET', KEYS[2], 'since', string.format('%.0f', time[1] * 1000000 + time[2]))
end
return answer
