CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    refused_by TEXT,               -- memos only: the limit that refused
    expires_s REAL NOT NULL
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
