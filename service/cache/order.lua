-- The rule by which an entry takes the place of another; text before that of put.lua and of put_entry.lua.
--
-- Newer means a higher (epoch, version). At equal versions a document replaces a tombstone, which has done its work, and
-- a tombstone replaces nothing: delivered again, or late, it causes no miss.
--
-- Entries of the formats next to this one, of the release before and of the one after, are no documents to readers, and
-- still say how new they are: while a release replaces another, instances of both fill the same cache. So do documents of
-- another incarnation: in a cluster, instances that know different slots of a node read different ones for a moment.

local FORMAT, TOMBSTONE, HEADER = 3, 2, '>BBxxI8I8I8'

local function order(bytes)
    if #bytes < 28 then
        return -1, -1
    end
    local format, state, epoch, version, own = struct.unpack(HEADER, bytes)
    if math.abs(format - FORMAT) > 1 then
        return -1, -1
    end
    return epoch, version, state, own
end

-- Whether these bytes were stored: not if they are of an epoch before this one, nor a document of another incarnation,
-- nor over what is newer.
local function store(name, bytes, keep, epoch, incarnation)
    local new_epoch, new_version, state, own = order(bytes)
    if new_epoch < epoch or (state ~= TOMBSTONE and own ~= incarnation) then
        return false
    end
    -- Most often there is none: then one call stores it.
    if redis.call('SET', name, bytes, 'PX', keep, 'NX') then
        return true
    end
    local old_epoch, old_version = order(redis.call('GETRANGE', name, 0, 27))
    local newer = new_epoch > old_epoch or (new_epoch == old_epoch and new_version > old_version)
    local same = new_epoch == old_epoch and new_version == old_version
    return (newer or (same and state ~= TOMBSTONE)) and redis.call('SET', name, bytes, 'PX', keep) and true
end

local function microseconds()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2]
end
