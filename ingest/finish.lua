-- Acknowledges and deletes entries that are recorded, and counts those that were really there: of two drains that finish
-- the same entry, one counts it.
-- KEYS: the stream, the tally. ARGV: the group, then the id and the items of each entry (no items: not ours to count).
-- Latency is from the entry's place on disk to now, by Redis's clock alone, in milliseconds and counted by items.
local bounds = {50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local items, entries, waited, buckets = 0, 0, 0, {}
for place = 2, #ARGV, 2 do
  local id, count = ARGV[place], tonumber(ARGV[place + 1])
  redis.call('XACK', KEYS[1], ARGV[1], id)
  if redis.call('XDEL', KEYS[1], id) == 1 and count then
    local wait = math.max(0, now - tonumber(string.match(id, '^%d+')))
    local bucket = 'inf'
    for _, bound in ipairs(bounds) do
      if wait <= bound then
        bucket = bound
        break
      end
    end
    items, entries, waited = items + count, entries + 1, waited + wait * count
    buckets[bucket] = (buckets[bucket] or 0) + count
  end
end
if entries > 0 then
  redis.call('HINCRBY', KEYS[2], 'finished', items)
  redis.call('HINCRBY', KEYS[2], 'finished_entries', entries)
  redis.call('HINCRBY', KEYS[2], 'latency_sum', string.format('%.0f', waited))
  for bucket, count in pairs(buckets) do
    redis.call('HINCRBY', KEYS[2], 'latency:' .. bucket, count)
  end
end
redis.call('HSET', KEYS[2], 'progress:' .. KEYS[1], string.format('%.0f', now))
return items
