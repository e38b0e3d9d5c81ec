-- The index of the segment log. A record's id is its partition's id << 40 | its offset.

CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,                  -- with the prefix
    number INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,       -- the offset that the next record gets
    reserved INTEGER NOT NULL DEFAULT 0,   -- offsets below it may have been given: where we go on after a power loss
    last_ms INTEGER NOT NULL DEFAULT 0,    -- the newest record's time
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (stream, number)
);

CREATE TABLE IF NOT EXISTS segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    live INTEGER NOT NULL                  -- records whose value lies here
);

CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    key BLOB,
    headers TEXT,
    size INTEGER,                          -- NULL: the record has no value
    crc INTEGER NOT NULL,
    value BLOB,                            -- small values; large ones lie in a segment
    segment INTEGER,
    position INTEGER
);

CREATE TABLE IF NOT EXISTS latest (        -- compacted streams: a key's newest record
    partition INTEGER NOT NULL,
    key BLOB NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (partition, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS members (
    seniority INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    group_name TEXT NOT NULL,
    streams TEXT NOT NULL,                 -- JSON, with the prefix
    lease_until_s REAL NOT NULL            -- by the monotonic clock of the box
);

CREATE TABLE IF NOT EXISTS owners (
    group_name TEXT NOT NULL,
    partition INTEGER NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (group_name, partition)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS committed (
    group_name TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (group_name, partition)
) WITHOUT ROWID;
