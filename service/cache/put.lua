-- Stores entries, each unless what is stored is newer. Called by RedisStore.put.
--
-- KEYS[1]       "epoch:life": the epoch, and the instant in microseconds at which this Redis was first told one
-- KEYS[2 …]     names of entries
-- ARGV[1]       highest epoch among the entries, or known to the caller
-- ARGV[2]       the life that Redis must still have for entries to be stored; empty for entries that need none
-- ARGV[3 …]     for each entry: its bytes, then how long to keep it in milliseconds
-- returns       how many were stored, and the life
--
-- Newer means a higher (epoch, version). At equal versions a document replaces a tombstone, which has done its work, and
-- a tombstone replaces nothing: delivered again, or late, it costs no miss.
--
-- A Redis that was emptied has another life. It has forgotten tombstones, so a document that was read before that may be
-- out of date without its showing here.

local FORMAT, TOMBSTONE, HEADER = 1, 2, '>BBxxI8I8'

local function order(bytes)
    if #bytes < 20 then
        return -1, -1
    end
    local format, state, epoch, version = struct.unpack(HEADER, bytes)
    if format ~= FORMAT then
        return -1, -1
    end
    return epoch, version, state
end

local known, life = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
if not life then
    local now = redis.call('TIME')
    known, life = '-1', string.format('%d%06d', now[1], now[2])
end
local epoch = tonumber(known)
if tonumber(ARGV[1]) > epoch then
    epoch = tonumber(ARGV[1])
    redis.call('SET', KEYS[1], ARGV[1] .. ':' .. life)
end
if ARGV[2] ~= '' and ARGV[2] ~= life then
    return {0, life}
end

local stored = 0
for i = 2, #KEYS do
    local bytes, keep = ARGV[2 * i - 1], ARGV[2 * i]
    local new_epoch, new_version, state = order(bytes)
    local old_epoch, old_version = order(redis.call('GETRANGE', KEYS[i], 0, 19))
    local newer = new_epoch > old_epoch or (new_epoch == old_epoch and new_version > old_version)
    local same = new_epoch == old_epoch and new_version == old_version
    if new_epoch >= epoch and (newer or (same and state ~= TOMBSTONE)) then
        redis.call('SET', KEYS[i], bytes, 'PX', keep)
        stored = stored + 1
    end
end
return {stored, life}
