-- outbox_span: ids of the oldest and the newest change that the cache has not been told of, zeros if there is none.
-- One row (oldest, newest).
SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM catalogue_outbox
