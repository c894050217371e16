-- Stores entries, each unless what is stored is newer. Called by RedisStore.put, after order.lua.
--
-- KEYS[1]       "epoch:incarnation:server": the epoch; the time in microseconds at which this server first wrote one
--               to this data set; the server's identity
-- KEYS[2 …]     names of entries
-- ARGV[1]       identity of the server that the caller is connected to
-- ARGV[2]       1 if the caller has just read that identity, else 0
-- ARGV[3]       the latest time at which entries may be stored, in microseconds by this server's clock; empty for any
-- ARGV[4]       highest epoch among the entries, or known to the caller
-- ARGV[5]       the incarnation in which entries may be stored; empty for any
-- ARGV[6 …]     for each entry: its bytes, then its TTL in milliseconds
-- returns       how many were stored, the epoch, the incarnation, and this server's clock in microseconds; -1 for how many
--               if the data set names another server and the caller's identity was not read just now: an outdated
--               identity must not replace a newer one
--
-- A new incarnation begins where the data set was emptied, or came back with a server other than the one it names:
-- loaded from an old snapshot, or a promoted replica. It has lost tombstones. So a document read before may be outdated
-- without a trace here, and entries stored before are ignored.

local now = microseconds()
local known, incarnation, server = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+):(.*)$')
if server and server ~= ARGV[1] and ARGV[2] ~= '1' then
    return {-1, known, '0', string.format('%.0f', now)}
end
if server ~= ARGV[1] then
    incarnation = string.format('%.0f', math.max(now, (tonumber(incarnation) or 0) + 1))
end
local epoch = math.max(tonumber(known or -1), tonumber(ARGV[4]))
if server ~= ARGV[1] or epoch > tonumber(known) then
    redis.call('SET', KEYS[1], string.format('%.0f', epoch) .. ':' .. incarnation .. ':' .. ARGV[1])
end
local result = {0, string.format('%.0f', epoch), incarnation, string.format('%.0f', now)}
if (ARGV[5] ~= '' and ARGV[5] ~= incarnation) or (ARGV[3] ~= '' and tonumber(ARGV[3]) < now) then
    return result
end

for i = 2, #KEYS do
    if store(KEYS[i], ARGV[2 * i + 2], ARGV[2 * i + 3], epoch, tonumber(incarnation)) then
        result[1] = result[1] + 1
    end
end
return result
