-- outbox_span: ids of the oldest and the newest pending invalidation, zeros if there is none.
-- One row (oldest, newest).
SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM catalogue_outbox
