CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    refused_by TEXT,               -- memos only: the limit that refused
    expires_s REAL NOT NULL,
    distance INTEGER,              -- memos of near-duplicates only: the bits to the nearest match
    known INTEGER                  -- 1 when that was a known image
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_s);

CREATE TABLE IF NOT EXISTS hashes (    -- keys that have fields; all of them expire together
    key TEXT PRIMARY KEY,
    expires_s REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hashes_by_expiry ON hashes (expires_s);

CREATE TABLE IF NOT EXISTS fields (
    key TEXT NOT NULL,
    field TEXT NOT NULL,
    value NOT NULL,                -- what was fixed, or a counter's number
    PRIMARY KEY (key, field)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS known (     -- hashes of images that a team has already: a row per quarter of each
    key TEXT NOT NULL,
    bucket INTEGER NOT NULL,           -- number of the quarter << 16 | the quarter
    hash BLOB NOT NULL,
    PRIMARY KEY (key, bucket, hash)
) WITHOUT ROWID;
