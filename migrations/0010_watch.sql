-- What the watch process keeps: counts of the last day by minute, and the last thousand events. Both tables are rings: a
-- row is written over the one of a day, or of a thousand events, before, so that they never grow.

CREATE TABLE watch_minutes (
    slot smallint PRIMARY KEY CHECK (slot = minute % 1440),
    minute bigint NOT NULL, -- since 1970
    counts jsonb NOT NULL
);

CREATE TABLE watch_events (
    slot smallint PRIMARY KEY CHECK (slot = number % 1000),
    number bigint NOT NULL,
    at bigint NOT NULL, -- seconds since 1970
    kind text NOT NULL,
    text text NOT NULL,
    source text NOT NULL
);
